/** Starts every part of the page. A part that fails leaves the others alone. */
import './copy.js';
import './live.js';
import './leaving.js';
import './upload.js';
import './sockets.js';
import './errors.js';
import './hosts.js';
