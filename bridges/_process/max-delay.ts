/** The longest delay of node's timers, in milliseconds: a longer one would be none. */
export const MAX_DELAY = 2_147_483_647;
