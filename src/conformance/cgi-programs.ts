/** Facts that the CGI audits share with the applications that they start. */

/**
 * Gives the URL of the module with the applications. It is a file of its own in the package too, which a program under audit imports. Its
 * extension is that of the sources or of the package. Where a bundle has no URL, no audit of CGI runs.
 */
export function cgiApplications(): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`audits/cgi-applications${extension}`, import.meta.url).href;
}

/** Octets of content of the application `bulk`. */
export const BULK_SIZE: number = 8 << 20;
