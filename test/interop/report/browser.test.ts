import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bytes, wholeSeconds } from '../../../src/cli/figures.js';
import { OTHER_SUMMARIES } from '../../../src/cli/json/other-summaries.js';
import { type Outcome, wholeProgram } from '../cli/whole-program.js';
import { HOST, type Place } from '../operations/place.js';
import { EMPTY_HOST, openPast } from './past.js';

/**
 * The report in a real browser, Debian's chromium: on a desk, on a phone and on paper. With COOLIFY_STATE_SCREENSHOTS=FOLDER
 * pictures of it are kept, to be looked at.
 */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const PICTURES = process.env['COOLIFY_STATE_SCREENSHOTS'];
/** A4 less the margins that browsers leave, in CSS pixels. */
const PAPER_WIDTH = 718;

type Listing = z.output<typeof OTHER_SUMMARIES.snapshots>;
type Summary = z.output<typeof OTHER_SUMMARIES.report>;

let place: Place;
let browser: Browser;
let listing: Listing;
let summary: Summary;

const run = (...args: readonly string[]): Promise<Outcome> => wholeProgram([...args, ...place.options]);

beforeAll(async () => {
  place = await openPast();
  listing = OTHER_SUMMARIES.snapshots.parse(JSON.parse((await run('snapshots', '--json')).stdout));
  const report = await run('report', '--json', '--output', place.at('report.html'));
  summary = OTHER_SUMMARIES.report.parse(JSON.parse(report.stdout));
  // As root, as CI is, chromium starts without its sandbox alone; what it opens here is our own.
  browser = await chromium.launch({ executablePath: await installed(), args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  await place?.remove();
});

async function installed(): Promise<string> {
  for (const path of CHROMIUM) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new Error('These tests open the report in "chromium"; docker/programs.sh installs it');
}

interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** What went wrong in the page, and what it asked for beside itself. */
  readonly troubles: readonly string[];
}

async function opened(options: BrowserContextOptions): Promise<Opened> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const address = pathToFileURL(place.at('report.html')).href;
  const troubles: string[] = [];
  page.on('console', (message) => troubles.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== address) troubles.push(`asked for ${request.url()}`);
  });
  await page.goto(address);
  return { page, troubles, [Symbol.asyncDispose]: () => context.close() };
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

const violations = z.object({
  passes: z.array(z.unknown()),
  violations: z.array(
    z.object({
      id: z.string(),
      nodes: z.array(z.object({ target: z.array(z.unknown()), failureSummary: z.string().optional() })),
    }),
  ),
});

/** What axe-core has against the page, by all of its rules. */
async function barriers(page: Page): Promise<string[]> {
  // By the debugger's way in: the page's own policy lets no script run.
  await page.evaluate(axe.source);
  const found = violations.parse(await page.evaluate('axe.run(document)'));
  expect(found.passes.length).toBeGreaterThan(15);
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary = '' }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}

/** Elements that stick out of the page to the right, by their text. */
async function stickingOut(page: Page): Promise<string[]> {
  return z.array(z.string()).parse(
    await page.evaluate(`(() => {
      const width = document.documentElement.clientWidth;
      const clipped = (element) => element.closest('.scroll') && getComputedStyle(element.closest('.scroll')).overflowX === 'auto';
      return [...document.querySelectorAll('body *')]
        .filter((element) => !clipped(element) || element.matches('.scroll'))
        .filter((element) => element.getBoundingClientRect().right > width + 0.5)
        .map((element) => element.tagName + ' ' + element.textContent.slice(0, 60));
    })()`),
  );
}

const DESK = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

describe.each([
  ['on a desk', DESK, 'light'],
  ['on a desk', DESK, 'dark'],
  ['on a phone', PHONE, 'light'],
  ['on a phone', PHONE, 'dark'],
  ['on the smallest of phones', { width: 320, height: 568 }, 'dark'],
] as const)('the report %s (%o), %s', (where, viewport, colorScheme) => {
  it('opens without an error or a request, bars nobody, and fits', async () => {
    await using report = await opened({ viewport, colorScheme, isMobile: viewport.width < 500 });
    const { page, troubles } = report;
    await picture(page, `${where.replaceAll(' ', '-')}-${colorScheme}`);
    // What folds out is looked at too.
    await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
    expect(await barriers(page)).toEqual([]);
    expect(await stickingOut(page)).toEqual([]);
    expect(troubles).toEqual([]);
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(13, 17, 23)' : 'rgb(255, 255, 255)');
  });
});

it.each(['light', 'dark'] as const)(
  'on paper it is black on white and fits, whatever the screen is: %s',
  async (colorScheme) => {
    await using report = await opened({ viewport: { width: PAPER_WIDTH, height: 1000 }, colorScheme });
    const { page, troubles } = report;
    await page.emulateMedia({ media: 'print', colorScheme });
    await picture(page, `on-paper-${colorScheme}`);
    expect(await barriers(page)).toEqual([]);
    expect(await stickingOut(page)).toEqual([]);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    const pdf = await page.pdf({
      format: 'A4',
      ...(PICTURES !== undefined && { path: join(PICTURES, `paper-${colorScheme}.pdf`) }),
    });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    expect(troubles).toEqual([]);
  },
);

const shown = z.array(
  z.object({
    host: z.string(),
    rows: z.array(z.object({ data: z.record(z.string(), z.string()), cells: z.array(z.string()) })),
    drills: z.array(z.array(z.string())),
    figures: z.record(z.string(), z.string()),
    marks: z.array(z.string()),
    bars: z.array(z.array(z.string())),
    attention: z.array(z.string()),
  }),
);

/** What stands in the page, by host, as somebody reads it. */
async function readPage(page: Page): Promise<z.output<typeof shown>> {
  return shown.parse(
    await page.evaluate(`[...document.querySelectorAll('section')].map((section) => {
      const all = (selector, within = section) => [...within.querySelectorAll(selector)];
      const text = (element) => element.innerText ?? element.textContent;
      const cells = (row) => all('td', row).map(text);
      return {
        host: text(section.querySelector('h2')),
        rows: all('tr[data-id]').map((row) => ({ data: { ...row.dataset }, cells: cells(row) })),
        drills: all('tr[data-drill]').map(cells),
        figures: Object.fromEntries(all('.figures div').map((div) => [text(div.querySelector('dt')), text(div.querySelector('dd'))])),
        marks: all('svg.timeline title').map(text),
        bars: all('svg.bars').map((plot) => all('rect title', plot).map(text)),
        attention: all('.attention li strong').map(text),
      };
    })`),
  );
}

describe('its numbers', () => {
  it('are those of "snapshots --json": every line, every size, and the sums', async () => {
    await using report = await opened({ viewport: DESK });
    const sections = await readPage(report.page);
    expect(sections.map(({ host }) => host)).toEqual([HOST, EMPTY_HOST]);
    expect(listing.snapshots.length).toBeGreaterThan(15);
    for (const { host, rows, figures, marks, bars } of sections) {
      const lines = listing.snapshots.filter((line) => line.host === host);
      expect(rows.map(({ data }) => data)).toEqual(
        lines.map(({ id, where, createdAt, size }) => ({
          id,
          where,
          created: createdAt,
          size: `${size ?? ''}`,
        })),
      );
      expect(rows.map(({ cells }) => [...cells.slice(0, 2), cells[3], cells[6]])).toEqual(
        lines.map(({ id, createdAt, size, coolify = '' }) => [
          id,
          wholeSeconds(createdAt).replace('T', ' ').replace('Z', ''),
          size === undefined ? '' : bytes(size),
          coolify,
        ]),
      );
      const stored = lines.filter(({ kind }) => kind === 'snapshot');
      expect(figures).toMatchObject({
        Snapshots: `${stored.length}`,
        'of which good': `${stored.filter(({ standing }) => standing === 'good').length}`,
        Stored: bytes(stored.reduce((sum, { size = 0 }) => sum + size, 0)),
      });
      const [{ where = '' } = {}] = stored;
      const drawn = stored.flatMap((line) =>
        line.where === where && line.size !== undefined ? [`${line.id}: ${bytes(line.size)}`] : [],
      );
      expect(bars[0] ?? []).toEqual(drawn);
      for (const { id } of lines) expect(marks.some((mark) => mark.startsWith(`${id}, `))).toBe(true);
    }
  });

  it('say of each snapshot how long it is kept and how it was drilled, as "snapshots --json" does', async () => {
    await using report = await opened({ viewport: DESK });
    const [section] = await readPage(report.page);
    const lines = listing.snapshots.filter(({ host }) => host === HOST);
    const kept = section?.rows.map(({ cells }) => cells[5]);
    expect(kept).toEqual(
      lines.map(({ retention }) =>
        retention === undefined
          ? ''
          : !retention.keep
            ? `no: ${retention.reasons[0] ?? ''}`
            : retention.until === undefined
              ? (retention.reasons[0] ?? '')
              : retention.until === 'always'
                ? 'always'
                : `until ${retention.until.slice(0, 10)}`,
      ),
    );
    const drilled = section?.rows.map(({ cells }) => cells[4]);
    expect(drilled).toEqual(
      lines.map(({ drill }) =>
        drill === undefined ? 'never' : `${drill.at.slice(0, 10)} ${drill.passed ? 'passed' : 'failed'}`,
      ),
    );
    expect(drilled?.filter((text) => text !== 'never').length).toBeGreaterThan(5);
    expect(section?.drills.map((cells) => cells[1])).toEqual(['failed', 'passed', 'late', 'passed']);
  });

  it('of what needs attention are those of "report --json", and stand at the top', async () => {
    await using report = await opened({ viewport: DESK });
    const sections = await readPage(report.page);
    expect(sections.map(({ host, attention }) => [host, attention])).toEqual(
      summary.hosts.map(({ host, attention }) => [host, attention.map(({ what }) => `${what}.`)]),
    );
    const count = summary.hosts.reduce((sum, { attention }) => sum + attention.length, 0);
    expect(count).toBeGreaterThan(3);
    expect(await report.page.locator('header').textContent()).toContain(`${count} things need attention.`);
  });
});
