def configure():
    raise RuntimeError("the database is not there")


configure()
