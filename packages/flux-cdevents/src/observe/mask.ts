const HIDDEN = '*****';

/** A shorter secret is hidden only where it stands as a word of its own: `1` would otherwise leave nothing readable. */
const MIN_ANYWHERE_BYTES = 4;
/** A piece of a secret of this length is hidden as well. */
const MIN_PIECE_BYTES = 8;
/** A start of a secret of this length is hidden at the end of a text that goes on; a longer one has pieces. */
const MIN_START_BYTES = 3;
const MAX_START_BYTES = 64;
/** Pieces are looked for of secrets up to this length together, which leaves out keys in PEM. */
const MAX_PIECED_BYTES = 4096;
/** Base64 is looked for of secrets up to this length together: a Secret may have thousands of headers. */
const MAX_ENCODED_BYTES = 16_384;
/** How many times a text is decoded: JSON in a query in HTML takes three. */
const DECODINGS = 3;

/**
 * Replaces every secret in a text with `*****`: in clear, percent-encoded, escaped for JSON or HTML, one in another, and in
 * Base64 with whatever it was encoded with. The case of the letters A to Z and white space do not
 * count. Of a secret of 8 bytes or more, every piece of 8 bytes is replaced too. A secret of 1 to 3 bytes is replaced only
 * between characters that are neither letters nor digits.
 * @param complete false when the text goes on; a secret may then begin at its end @default true
 */
export function mask(text: string, secrets: readonly string[], { complete = true } = {}): string {
  if (text === '' || secrets.length === 0) return text;
  const known = complete ? text : text.replace(CUT_ESCAPE, '');
  const needles = needlesOf(secrets);
  const hidden = new Uint8Array(known.length);
  let view: View | undefined = View.of(known);
  for (let decodings = 0; view; decodings++) {
    hide(view, known, needles, complete, hidden);
    view = decodings < DECODINGS ? view.decoded() : undefined;
  }
  return redact(known, hidden);
}

/** An escape that is not whole. */
const CUT_ESCAPE = /(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&#?\w{0,8})$/i;

/** What is looked for, in the form of a `View`. */
interface Needles {
  readonly anywhere: readonly string[];
  readonly words: readonly string[];
  readonly base64: readonly string[];
  readonly pieced: readonly string[];
}

const known = new WeakMap<readonly string[], Needles>();

/** They are the same for every answer of a receiver. */
function needlesOf(secrets: readonly string[]): Needles {
  const before = known.get(secrets);
  if (before) return before;
  const [anywhere, words, base64, pieced] = [
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
    new Set<string>(),
  ];
  let [piecedBytes, encodedBytes] = [0, 0];
  for (const secret of secrets) {
    for (const bytes of formsOf(secret)) {
      if (bytes.length >= MIN_ANYWHERE_BYTES) anywhere.add(bytes);
      else if (bytes.length > 0) words.add(bytes);
      if (bytes.length < MIN_PIECE_BYTES || piecedBytes + bytes.length > MAX_PIECED_BYTES) continue;
      pieced.add(bytes);
      piecedBytes += bytes.length;
    }
    if (encodedBytes + secret.length > MAX_ENCODED_BYTES) continue;
    encodedBytes += secret.length;
    for (const encoded of base64Of(secret)) base64.add(normalized(encoded));
  }
  const needles = { anywhere: [...anywhere], words: [...words], base64: [...base64], pieced: [...pieced] };
  known.set(secrets, needles);
  return needles;
}

/** A secret may be written with escapes itself, as the path of a URL is. */
function* formsOf(secret: string): Generator<string> {
  yield normalized(secret);
  if (!/[%\\&]/.test(secret)) return;
  for (let view = View.of(secret).decoded(); view; view = view.decoded()) yield view.bytes;
}

/** The bytes of a `View`, which most texts have in a faster way. */
const normalized = (text: string): string =>
  isAscii(text) ? text.replace(/[\0- +\x7f]+/g, '').toLowerCase() : View.of(text).bytes;

const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length;

/** The characters of a secret in Base64 that do not depend on what stands before and after it. */
function* base64Of(secret: string): Generator<string> {
  const bytes = Buffer.from(secret);
  if (bytes.length < MIN_ANYWHERE_BYTES) return;
  for (let before = 0; before < 3; before++) {
    const buffer = Buffer.concat([Buffer.alloc(before), bytes]);
    const [from, to] = [Math.ceil((before * 8) / 6), Math.floor((buffer.length * 8) / 6)];
    yield buffer.toString('base64').slice(from, to);
    yield buffer.toString('base64url').slice(from, to);
  }
}

function hide(view: View, text: string, needles: Needles, complete: boolean, hidden: Uint8Array): void {
  const { bytes } = view;
  const cover = (at: number, length: number) => hidden.fill(1, view.from[at], view.to[at + length - 1]);
  const find = (needle: string, found: (at: number) => void) => {
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) found(at);
  };

  for (const needle of needles.anywhere) {
    find(needle, (at) => cover(at, needle.length));
    const cut = complete ? 0 : startAtEnd(bytes, needle);
    if (cut > 0) cover(bytes.length - cut, cut);
  }
  for (const needle of needles.base64) {
    find(needle, (at) => {
      let [from, to] = [view.from[at] ?? 0, view.to[at + needle.length - 1] ?? 0];
      while (/[\w+/=-]/.test(text.charAt(from - 1))) from--;
      while (/[\w+/=%-]/.test(text.charAt(to))) to++;
      hidden.fill(1, from, to);
    });
  }
  for (const needle of needles.words) {
    find(needle, (at) => {
      const end = at + needle.length;
      if (!isWithinWord(view, at, text) && !isWithinWord(view, end, text)) cover(at, needle.length);
    });
  }
  for (const secret of needles.pieced) {
    for (let at = 0; at + MIN_PIECE_BYTES <= secret.length; at++) {
      find(secret.slice(at, at + MIN_PIECE_BYTES), (place) => cover(place, MIN_PIECE_BYTES));
    }
  }
}

/** Whether the bytes before and after a place are letters or digits with nothing between them. */
function isWithinWord({ bytes, from, to }: View, at: number, text: string): boolean {
  if (at === 0 || at === bytes.length || to[at - 1] !== from[at]) return false;
  const isWordPart = (index: number) =>
    bytes.charCodeAt(index) < 0x80
      ? /[0-9a-z]/.test(bytes.charAt(index))
      : /[\p{L}\p{N}]/u.test(text.slice(from[index], to[index]));
  return isWordPart(at - 1) && isWordPart(at);
}

/** The length of the start of a secret that stands at the end of a text. */
function startAtEnd(bytes: string, secret: string): number {
  let length = Math.min(secret.length - 1, MAX_START_BYTES);
  while (length >= MIN_START_BYTES && !bytes.endsWith(secret.slice(0, length))) length--;
  return length < MIN_START_BYTES ? 0 : length;
}

/** Covered characters with nothing but white space between them are one secret. */
function redact(text: string, hidden: Uint8Array): string {
  let [redacted, from] = ['', 0];
  for (let at = hidden.indexOf(1); at >= 0; at = hidden.indexOf(1, from)) {
    const gap = text.slice(from, at);
    if (from === 0 || gap.trim() !== '') redacted += gap + HIDDEN;
    const end = hidden.indexOf(0, at);
    from = end < 0 ? text.length : end;
    if (from === text.length) break;
  }
  return redacted + text.slice(from);
}

/**
 * A text as UTF-8, one character a byte, in lower case and without white space, control characters and `+`, which stands
 * for a space in a query. For each byte: where in the text it comes from.
 */
class View {
  bytes = '';
  readonly from: number[] = [];
  readonly to: number[] = [];

  static of(text: string): View {
    const view = new View();
    let at = 0;
    for (const character of text) {
      view.#add(character, at, at + character.length);
      at += character.length;
    }
    return view;
  }

  /** The view with its escapes resolved; undefined when it has none. */
  decoded(): View | undefined {
    const view = new View();
    let end = 0;
    const copy = (to: number) => {
      view.bytes += this.bytes.slice(end, to);
      for (let i = end; i < to; i++) {
        view.from.push(this.from[i] ?? 0);
        view.to.push(this.to[i] ?? 0);
      }
    };
    for (const match of this.bytes.matchAll(ESCAPE)) {
      copy(match.index);
      end = match.index + match[0].length;
      view.#addDecoded(match, this.from[match.index] ?? 0, this.to[end - 1] ?? 0);
    }
    if (end === 0) return undefined;
    copy(this.bytes.length);
    return view;
  }

  #addDecoded({ groups = {} }: RegExpMatchArray, from: number, to: number): void {
    const { byte, units, character, decimal, hexadecimal, name } = groups;
    if (byte) this.#addByte(Number.parseInt(byte, 16), from, to);
    else if (units)
      this.#addText(
        String.fromCharCode(
          ...units
            .split('\\u')
            .slice(1)
            .map((unit) => Number.parseInt(unit, 16)),
        ),
        from,
        to,
      );
    else if (character) this.#add(character, from, to);
    else if (name) this.#add(ENTITIES[name] ?? '', from, to);
    else if (decimal) this.#add(codePoint(Number(decimal)), from, to);
    else if (hexadecimal) this.#add(codePoint(Number.parseInt(hexadecimal, 16)), from, to);
  }

  #addText(text: string, from: number, to: number): void {
    for (const character of text) this.#add(character, from, to);
  }

  #add(character: string, from: number, to: number): void {
    const code = character.charCodeAt(0);
    if (code < 0x80) this.#addByte(code, from, to);
    else if (!/[\p{C}\p{Z}]/u.test(character)) for (const byte of Buffer.from(character)) this.#addByte(byte, from, to);
  }

  #addByte(byte: number, from: number, to: number): void {
    if (byte <= 0x20 || byte === 0x7f || byte === 0x2b) return;
    this.bytes += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
    this.from.push(from);
    this.to.push(to);
  }
}

/** As a view has them. A control character of JSON (`\n`) is dropped like one in clear. */
const ESCAPE =
  /%(?<byte>[0-9a-f]{2})|(?<units>(?:\\u[0-9a-f]{4})+)|\\x(?<hexadecimal>[0-9a-f]{2})|\\(?<character>["'\\/])|\\[bfnrt]|&#(?<decimal>\d{1,7});?|&#x(?<hexadecimal>[0-9a-f]{1,6});?|&(?<name>amp|lt|gt|quot|apos|sol|equals|quest|colon|commat|num|percnt|plus);/g;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  equals: '=',
  quest: '?',
  colon: ':',
  commat: '@',
  num: '#',
  percnt: '%',
  plus: '+',
};

const codePoint = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '');
