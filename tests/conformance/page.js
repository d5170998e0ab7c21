// A person at the sandbox's page, played by headless Chromium: pays a charge and sees it paid, confirms an
// agreement, breaks a request, puts the clock forward, starts again. Needs playwright-core and Chromium:
//   node page.js CHROMIUM http://127.0.0.1:PORT SCREENSHOT.png
// The sandbox must accept any signature, as the program does without a key.
'use strict';

const assert = require('assert');
const { chromium } = require('playwright-core');

const APP = 'app_sandbox000000001';
const [executablePath, base, screenshot] = process.argv.slice(2);

async function post(path, body) {
  const answer = await fetch(base + path, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_sandbox0000000000000000' },
    body: JSON.stringify(body),
  });
  const object = await answer.json();
  assert.strictEqual(answer.status, 200, JSON.stringify(object));
  return object;
}

const charge = (number, more) => ({
  order_no: number, app: { id: APP }, channel: 'alipay_qr', amount: 9900, currency: 'cny',
  client_ip: '192.0.2.1', subject: '<b>Tea</b>', body: 'Longjing', ...more,
});

async function main() {
  await post('/_sandbox/reset', {}).catch(() => {}); // its answer is no JSON
  const paid = await post('/v1/charges', charge('20261123001'));
  const declined = await post('/v1/charges', charge('20261123002', { channel: 'wx_wap' }));
  await post('/v1/charges', charge('20261123003', { channel: 'alipay_scan', extra: { scan_code: '281000000000000001' } }));
  await post('/v1/agreements', { app: APP, contract_no: 'c1', channel: 'qpay', extra: { display_account: 'x' } });
  await post('/v1/apps/' + APP + '/balance_bonuses', { user: 'user_1', amount: 500, order_no: 'b1' });
  await post('/v1/transfers', {
    app: { id: APP }, channel: 'alipay', order_no: 'tr001', amount: 100000, type: 'b2c', currency: 'cny',
    recipient: 'li@example.com', description: 'October',
  });

  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  const page = await browser.newPage({ viewport: { width: 1200, height: 1100 } });
  const problems = [];
  page.on('pageerror', (error) => problems.push(error));
  page.on('request', (request) => request.url().startsWith(base) || problems.push(request.url()));
  await page.goto(base + '/_sandbox/');

  // Charges come first, with what a tester looks for.
  await page.locator('#objects h2').first().filter({ hasText: 'Charges' }).waitFor();
  const row = (id) => page.locator('#charge tr', { hasText: id });
  const text = await row(paid.id).textContent();
  for (const part of ['20261123001', 'alipay_qr', '99.00', 'open']) assert(text.includes(part), text);
  await row(paid.id).getByRole('button', { name: 'Pay', exact: true }).click();
  await page.locator('#said', { hasText: 'done' }).waitFor();
  await row(declined.id).getByRole('button', { name: 'Decline' }).click();
  await row(declined.id).locator('.failed').waitFor();
  await page.reload();
  await row(paid.id).locator('.paid').waitFor();
  assert.strictEqual(await row(paid.id).locator('button').count(), 0, 'nothing is left to do with it');
  await page.locator('#event', { hasText: 'charge.succeeded' }).waitFor();
  await page.locator('#user', { hasText: '5.00 cny' }).waitFor();

  await page.locator('#agreement').getByRole('button', { name: 'Confirm' }).click();
  await page.locator('#agreement .succeeded').waitFor();
  const clock = await page.locator('#now').textContent();
  await page.getByRole('button', { name: '+1 day' }).click();
  await page.waitForFunction((old) => document.getElementById('now').textContent !== old, clock);
  await page.locator('#fault').selectOption('bad_gateway');
  await page.locator('#fail').click();
  await page.locator('#said', { hasText: 'done' }).waitFor();
  const broken = await fetch(base + '/v1/charges/x');
  assert.strictEqual(broken.status, 502);
  await page.locator('#requests', { hasText: 'GET /v1/charges/x' }).waitFor();
  await page.screenshot({ path: screenshot });
  await page.setViewportSize({ width: 420, height: 900 });
  await page.screenshot({ path: screenshot.replace('.png', '.narrow.png') });

  await page.locator('#reset').click();
  await page.locator('#objects', { hasText: 'Nothing yet' }).waitFor();
  await browser.close();
  assert.deepStrictEqual(problems, []);
  console.log('page: paid and declined, confirmed, broken, put forward, reset');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
