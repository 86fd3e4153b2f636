<?php
// A site in PHP.
preg_match('~/(greet|echo|stream|fail|break)(?:/([^/]*))?$~', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH), $parts);
switch ($parts[1]) {
    case 'greet':
        setcookie('a', '1');
        setcookie('b', '2');
        header('Content-Type: text/plain; charset=utf-8');
        $name = rawurldecode($parts[2]);
        echo "$_SERVER[REQUEST_METHOD] $name ?$_SERVER[QUERY_STRING] $_SERVER[HTTP_X_WORD]";
        break;
    case 'echo':
        http_response_code(201);
        header("Content-Type: $_SERVER[CONTENT_TYPE]");
        readfile('php://input');
        break;
    case 'stream':
        stream($_SERVER['HTTP_X_MARKS']);
        break;
    case 'break':
        while (ob_get_level() > 0) ob_end_clean();
        echo 'first';
        flush();
        usleep(20000);
        throw new Exception('Failed on purpose');
    default:
        throw new Exception('Failed on purpose');
}

function stream(string $marks): void
{
    $ending = 'left';
    register_shutdown_function(function () use ($marks, &$ending) {
        file_put_contents("$marks.writing", $ending);
        rename("$marks.writing", "$marks.ended");
    });
    touch("$marks.begun");
    header('Content-Type: text/plain');
    // PHP has a buffer of its own, unless its settings say otherwise.
    while (ob_get_level() > 0) ob_end_clean();
    echo 'first';
    flush();
    while (!file_exists("$marks.go")) {
        usleep(10000);
        echo '.';
        flush();
        clearstatcache();
    }
    echo 'last';
    $ending = 'finished';
}
