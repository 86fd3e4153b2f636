<?php
header('Content-Type: text/plain; charset=utf-8');
$path = substr($_SERVER['REQUEST_URI'], strlen(dirname($_SERVER['SCRIPT_NAME'])));
echo 'PHP answers ', $path, ', ', $_SERVER['REMOTE_USER'] ?? 'stranger', "\n";
