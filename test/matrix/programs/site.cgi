#!/bin/sh
# A CGI program.
case "$PATH_INFO" in
  /greet/*)
    printf 'Content-Type: text/plain; charset=utf-8\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n'
    printf '%s %s ?%s %s' "$REQUEST_METHOD" "${PATH_INFO#/greet/}" "$QUERY_STRING" "$HTTP_X_WORD"
    ;;
  /echo)
    printf 'Status: 201 Created\nContent-Type: %s\n\n' "$CONTENT_TYPE"
    head -c "$CONTENT_LENGTH"
    ;;
  /stream)
    end() {
      echo "$1" >"$HTTP_X_MARKS.writing"
      mv "$HTTP_X_MARKS.writing" "$HTTP_X_MARKS.ended"
      exit
    }
    trap 'end left' TERM PIPE
    # The shell tells of the sleep that is ended with it.
    exec 2>/dev/null
    : >"$HTTP_X_MARKS.begun"
    printf 'Content-Type: text/plain\n\nfirst'
    until [ -e "$HTTP_X_MARKS.go" ]; do
      sleep 0.01
      printf .
    done
    printf last
    end finished
    ;;
  /break)
    printf 'Content-Type: text/plain\n\nfirst'
    sleep 0.02
    kill -9 $$
    ;;
  *)
    exit 3
    ;;
esac
