/** Checks that nothing gets into a document unescaped, and that links stay beside it. */

import { expect } from 'chai';
import { clip, escapeText, fileLink, html, trusted } from './markup.js';

describe('markup', () => {
  it('escapes whatever is inserted, and inserts markup and lists as they are', () => {
    const inner = html`<b>${'<i>'}</b>`;
    expect(String(html`<p title="${'"x"'}">${[inner, ' & ', 3, undefined]}</p>`)).to.equal(
      '<p title="&quot;x&quot;"><b>&lt;i&gt;</b> &amp; 3</p>',
    );
    expect(String(html`${trusted('<hr/>')}`)).to.equal('<hr/>');
  });

  it('takes nothing for markup that only looks like it', () => {
    const forged = { toString: () => '<script>' } as unknown as string;
    expect(String(html`${[[forged].join('')]}`)).to.equal('&lt;script&gt;');
  });

  it('shows what would be invisible or turn the direction of text', () => {
    expect(escapeText('a\u0000\u001b[31m\u007f\u0085\r\n\tb')).to.equal('a\u2400\u241b[31m\u2421\ufffd\u240d\n\tb');
    expect(escapeText('\u202eevil\u2066\ufeff\ud800 \u{1f600}')).to.equal('\ufffdevil\ufffd\ufffd\ufffd \u{1f600}');
  });

  it('links to files beside the report and nowhere else', () => {
    const href = (path: string): string => /href="([^"]*)"/.exec(String(fileLink(path, 'x')))?.[1] ?? '';
    expect(href('runs/a b/1.png')).to.equal('./runs/a%20b/1.png');
    expect(href('javascript:alert(1)')).to.equal('./javascript%3Aalert(1)');
    expect(href('"?q#\ud800')).to.equal('./%22%3Fq%23%EF%BF%BD');
  });

  it('clips long texts and says by how much', () => {
    expect(clip('abcdef', 4)).to.equal('abcd [... 2 characters more]');
    expect(clip('abcd', 4)).to.equal('abcd');
  });
});
