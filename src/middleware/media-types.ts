/** Media types of files, by the ends of their names (RFC 9110 §8.3.1). */

/** Types with the ends that they have. Text is UTF-8. */
const TYPES: Readonly<Record<string, string>> = {
  'text/html; charset=utf-8': 'html htm',
  'text/css; charset=utf-8': 'css',
  'text/javascript; charset=utf-8': 'js mjs cjs',
  'text/plain; charset=utf-8': 'txt text log conf ini',
  'text/markdown; charset=utf-8': 'md markdown',
  'text/csv; charset=utf-8': 'csv',
  'text/calendar; charset=utf-8': 'ics',
  'text/vtt; charset=utf-8': 'vtt',
  'application/json': 'json map',
  'application/ld+json': 'jsonld',
  'application/manifest+json': 'webmanifest',
  'application/geo+json': 'geojson',
  'application/xml': 'xml xsl',
  'application/xhtml+xml': 'xhtml',
  'application/rss+xml': 'rss',
  'application/atom+xml': 'atom',
  'application/yaml': 'yaml yml',
  'application/wasm': 'wasm',
  'application/pdf': 'pdf',
  'application/rtf': 'rtf',
  'application/zip': 'zip',
  'application/gzip': 'gz tgz',
  'application/x-tar': 'tar',
  'application/epub+zip': 'epub',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'image/svg+xml': 'svg',
  'image/png': 'png',
  'image/apng': 'apng',
  'image/jpeg': 'jpg jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/avif': 'avif',
  'image/bmp': 'bmp',
  'image/tiff': 'tif tiff',
  'image/vnd.microsoft.icon': 'ico',
  'font/woff': 'woff',
  'font/woff2': 'woff2',
  'font/ttf': 'ttf',
  'font/otf': 'otf',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'm4a',
  'audio/ogg': 'ogg oga opus',
  'audio/wav': 'wav',
  'audio/flac': 'flac',
  'video/mp4': 'mp4 m4v',
  'video/webm': 'webm',
  'video/ogg': 'ogv',
  'video/quicktime': 'mov',
  'model/gltf-binary': 'glb',
  'model/gltf+json': 'gltf',
};

const BY_END = new Map(
  Object.entries(TYPES).flatMap(([type, ends]) => ends.split(' ').map((end) => [end, type] as const)),
);

/** Gives the media type of a file; undefined if its end is unknown. */
export function mediaType(path: string): string | undefined {
  const [, end = ''] = /\.([A-Za-z0-9]+)$/.exec(path) ?? [];
  return BY_END.get(end.toLowerCase());
}
