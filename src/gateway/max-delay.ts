/** The longest delay of a timer, in milliseconds: one that is longer ends after 1 ms (Node 20 to 26, browsers). */
export const MAX_DELAY = 2_147_483_647;
