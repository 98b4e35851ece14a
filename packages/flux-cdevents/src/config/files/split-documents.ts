/** One YAML document of a file, as text. */
export interface DocumentText {
  /** Lines of the file before it. */
  readonly linesBefore: number;
  readonly text: string;
}

/**
 * Splits a YAML file before each `---` line, which no YAML scalar may contain, so that a document that did not change
 * need not be parsed again. A file with directives (`%YAML`) stays in one piece, as they belong to what follows.
 */
export function splitDocuments(file: string): readonly DocumentText[] {
  if (/^%/m.test(file)) return [{ linesBefore: 0, text: file }];
  let linesBefore = 0;
  return file.split(/^(?=---(?:[ \t\r\n]|$))/m).map((text) => {
    const document = { linesBefore, text };
    linesBefore += text.split('\n').length - 1;
    return document;
  });
}
