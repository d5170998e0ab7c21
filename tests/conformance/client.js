// The official client for Node, against the sandbox program.
'use strict';

const assert = require('assert');
const http = require('http');

// It waits for ever on a connection that is kept alive, since Node 19 made that the default.
http.globalAgent = new http.Agent({ keepAlive: false });

const folder = process.env.PINGPP_TEST_FOLDER;
const app = { id: 'app_sandbox000000001' };

function client(key, signer) {
  const made = require('pingpp')(key);
  made.setHost('127.0.0.1', Number(process.env.PINGPP_TEST_PORT), 'http');
  made.setPrivateKeyPath(folder + '/' + signer + '.pem');
  return made;
}

function order(orderNo, scanCode) {
  return {
    order_no: orderNo, channel: 'alipay_scan', amount: 100, client_ip: '192.0.2.1',
    currency: 'cny', subject: '茶 & tea', body: '一壶龙井', app,
    extra: { scan_code: scanCode || '281000000000000003' },
  };
}

async function refused(call, pattern) {
  await assert.rejects(call, (error) => pattern.test(String(error.message || error)));
}

async function main() {
  const { charges } = client('sk_test_conformance', 'merchant');
  const charge = await charges.create(order('node00000001'));
  assert.strictEqual(charge.subject, '茶 & tea');
  assert.strictEqual((await charges.retrieve(charge.id)).order_no, 'node00000001');
  assert.strictEqual((await charges.reverse(charge.id)).reversed, true);

  await charges.create(order('node00000002'));
  const page = await charges.list({ app, limit: 2 });
  assert.deepStrictEqual(page.data.map((c) => c.order_no), ['node00000002', 'node00000001']);
  assert.strictEqual(page.has_more, true);

  const paid = await charges.create(order('node00000003', '281000000000000001'));
  assert.strictEqual(paid.paid, true);
  const refund = await charges.createRefund(paid.id, { amount: 30, description: 'cup broken' });
  assert.strictEqual(refund.status, 'pending');
  assert.strictEqual((await charges.retrieveRefund(paid.id, refund.id)).amount, 30);
  assert.strictEqual((await charges.listRefunds(paid.id, { limit: 5 })).data.length, 1);

  await refused(() => charges.retrieve('ch_none'), /no such object/);
  await refused(() => client('sk_test_wrong', 'merchant').charges.reverse(charge.id), /API KEY/);
  await refused(() => client('sk_test_conformance', 'stranger').charges.reverse(charge.id), /signature/);
  console.log('node: pingpp 2.1.6 agrees');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
