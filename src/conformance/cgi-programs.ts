/** What the CGI audits and the applications that they start both know. */

/**
 * The URL of the module with the applications. It is a file of its own in the package too, which a program under audit imports. Its
 * extension is that of the sources or of the package.
 */
export const CGI_APPLICATIONS: string = new URL(
  `audits/cgi-applications${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
).href;

/** Octets of content of the application `bulk`. */
export const BULK_SIZE: number = 8 << 20;
