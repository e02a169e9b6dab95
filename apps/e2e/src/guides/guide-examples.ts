/** A fenced block of a guide. */
export interface GuideExample {
  /** As after the fence: `bash`, `python`, `typescript`, `json`; empty for none. */
  language: string;
  /** What follows the language: `refused` where the example shows a refusal. */
  mark: string;
  code: string;
  /** `Heading: language, line 12`. */
  title: string;
}

const FENCE = /^```(\w*)[ \t]*([^\n]*)\n([\s\S]*?)^```$/gm;
const HEADING = /^#+ (.+)$/gm;

/** @returns the fenced blocks of a Markdown text, in their order */
export function guideExamples(markdown: string): GuideExample[] {
  return [...markdown.matchAll(FENCE)].map(({ index, 1: language = '', 2: mark = '', 3: code = '' }) => {
    const before = markdown.slice(0, index);
    // Comments in earlier examples begin like headings.
    const [heading] = [...before.replace(FENCE, '').matchAll(HEADING)].slice(-1);
    const line = before.split('\n').length;
    return { language, mark, code, title: `${heading?.[1] ?? 'the beginning'}: ${language}, line ${line}` };
  });
}
