import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A page of the project. */
export interface Page {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
}

/** Every Markdown page that belongs to the project. */
export function pagesOf(project: string): Page[] {
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard', '*.md'], {
    cwd: project,
  });
  return listed
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(project, path)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(project, path), 'utf8') }));
}

/** What a page links to that is not there: files of the project, and headings in pages of it. Addresses are not looked at. */
export function deadLinks(page: Page, project: string, pages: readonly Page[]): string[] {
  const links = [...withoutCode(page.text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  return links.filter((target) => {
    if (/^[a-z]+:/i.test(target)) return false;
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? page.path : normalize(join(dirname(page.path), file)).replace(/\/$/, '');
    if (path.startsWith('..') || !existsSync(join(project, path))) return true;
    if (anchor === undefined) return false;
    const other = pages.find((one) => one.path === path);
    return other === undefined || !anchorsOf(other.text).includes(anchor);
  });
}

/** The lines of a page's fenced blocks, continued ones joined. */
export function blockLines(text: string): string[] {
  return [...text.matchAll(/^( *)```[^\n]*\n([\s\S]*?)^\1```/gm)].flatMap(([, , body = '']) =>
    body
      .replace(/\\\n\s*/g, '')
      .split('\n')
      .map((line) => line.trim()),
  );
}

/** Anchors as GitHub makes them of headings: lower case, without marks, with dashes; the second of a name has `-1`. */
function anchorsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => {
    const plain = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = seen.get(plain) ?? 0;
    seen.set(plain, count + 1);
    return count === 0 ? plain : `${plain}-${count}`;
  });
}

function withoutBlocks(text: string): string {
  return text.replace(/^( *)```[\s\S]*?^\1```/gm, '');
}

function withoutCode(text: string): string {
  return withoutBlocks(text).replace(/`[^`\n]*`/g, '');
}
