/** The ways in which the command ends. */

/** Exit codes. They are part of the interface; docs/cli.md lists them. */
export const EXIT = {
  /** Stopped in order, or did what it was asked. */
  clean: 0,
  /** Failed while it ran, or was forced to stop. */
  failed: 1,
  /** A flag, a variable or the config file is wrong. */
  usage: 2,
  /** The application could not be loaded. */
  application: 3,
  /** An address could not be bound. */
  address: 4,
  /** `gatebridge fetch` got a status of 400 or more. As curl's `--fail`. */
  status: 22,
} as const;

/** An error that ends the command. Its message is for the person who typed it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  /** A sentence that says how to mend it. */
  readonly cure: string | undefined;
  /** File, line and code of the fault, where the stack of the cause does not tell them. */
  readonly place: string | undefined;

  /**
   * @param kind The exit code, by its name
   * @param message Names the place and the fault
   * @param options `cure` says how to mend it, `cause` is shown with its stack, `place` is shown instead of that
   */
  constructor(
    kind: Exclude<keyof typeof EXIT, 'clean'>,
    message: string,
    {
      cure,
      place,
      ...options
    }: ErrorOptions & { readonly cure?: string | undefined; readonly place?: string | undefined } = {},
  ) {
    super(message, options);
    this.exitCode = EXIT[kind];
    this.cure = cure;
    this.place = place;
  }
}
