// A person at the sandbox's page, played by headless Chromium: pays a charge, looks again, sees it
// paid. Needs playwright-core and Chromium:
//   node page.js CHROMIUM http://127.0.0.1:PORT SCREENSHOT.png
// The sandbox must have been started with any key and a charge to pay.
'use strict';

const assert = require('assert');
const { chromium } = require('playwright-core');

async function main() {
  const [executablePath, base, screenshot] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error));
  page.on('request', (request) => request.url().startsWith(base) || problems.push(request.url()));
  await page.goto(base + '/_sandbox/');
  await page.locator('#charges button', { hasText: 'Pay' }).first().click();
  await page.locator('#said', { hasText: 'done' }).waitFor();
  await page.reload();
  await page.locator('#charges .paid').first().waitFor();
  await page.locator('#events', { hasText: 'charge.succeeded' }).waitFor();
  const clock = await page.locator('#now').textContent();
  await page.locator('button', { hasText: '+1 day' }).click();
  await page.waitForFunction((old) => document.getElementById('now').textContent !== old, clock);
  await page.locator('#fault').selectOption('bad_gateway');
  await page.locator('#fail').click();
  const broken = await fetch(base + '/v1/charges/x');
  assert.strictEqual(broken.status, 502);
  await page.screenshot({ path: screenshot });
  await browser.close();
  assert.deepStrictEqual(problems, []);
  console.log('page: paid, seen as paid');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
