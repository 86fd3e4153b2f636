/**
 * Members in the order in which they came, for those of which many come and go while their owner stays: requests that wait, connections.
 *
 * A Map or a Set would keep the dead alive: V8 gives it another table from time to time, the old table points to the new one, and once an
 * old table is among the old objects, each later table and all that was in it lives until the next full collection. Each collection of
 * young objects then copies them (3 KB of each request to a program that waited; Node 20 to 26).
 *
 * Rule: a place that is left points nowhere.
 */

/** The place of a member in a {@link Line}. */
export class Place<Member> {
  readonly member: Member;
  line: Line<Member> | undefined;
  before: Place<Member> | undefined = undefined;
  behind: Place<Member> | undefined = undefined;

  constructor(member: Member, line: Line<Member>) {
    this.member = member;
    this.line = line;
  }

  /** Lets the member leave its line. @returns true if it was in it */
  leave(): boolean {
    if (this.line === undefined) return false;
    this.line.remove(this);
    return true;
  }
}

/** A line of members. Each operation costs the same however long it is. */
export class Line<Member> {
  /** The number of members. */
  length = 0;
  #first: Place<Member> | undefined;
  #last: Place<Member> | undefined;

  /** Puts a member to the end. */
  add(member: Member): Place<Member> {
    const place = new Place(member, this);
    place.before = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.length += 1;
    return place;
  }

  /** Puts a member to the front. */
  addFirst(member: Member): Place<Member> {
    const place = new Place(member, this);
    place.behind = this.#first;
    if (this.#first === undefined) this.#last = place;
    else this.#first.before = place;
    this.#first = place;
    this.length += 1;
    return place;
  }

  /** Shows the first member. */
  peek(): Member | undefined {
    return this.#first?.member;
  }

  /** Takes the first member. */
  take(): Member | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first?.member;
  }

  /** Gives the members as they are now. */
  members(): Member[] {
    const members: Member[] = [];
    for (let place = this.#first; place !== undefined; place = place.behind) members.push(place.member);
    return members;
  }

  /** Takes all members. */
  takeAll(): Member[] {
    const members = this.members();
    while (this.#first !== undefined) this.remove(this.#first);
    return members;
  }

  /** Takes a place out. It must be one of this line: {@link Place.leave} sees to that. */
  remove(place: Place<Member>): void {
    const { before, behind } = place;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    place.before = place.behind = place.line = undefined;
    this.length -= 1;
  }
}
