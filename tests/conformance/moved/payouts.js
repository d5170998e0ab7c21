// Payouts on the official client for Node: a transfer, a batch of them, and a user with a balance.
// `payouts.rs` is the same, moved over with the page of all operations.
'use strict';

const http = require('http');

http.globalAgent = new http.Agent({ keepAlive: false });

const url = new URL(process.env.PINGPP_TEST_URL);
const pingpp = require('pingpp')('sk_test_conformance');
pingpp.setHost(url.hostname, Number(url.port), 'http');
pingpp.setPrivateKeyPath(process.env.PINGPP_TEST_KEY);
const APP = 'app_1Gqj58ynP0mHeX1q';

async function main() {
  const transfer = await pingpp.transfers.create({
    order_no: 'tr20261123001',
    app: { id: APP },
    channel: 'wx_pub',
    amount: 10000,
    currency: 'cny',
    type: 'b2c',
    recipient: 'o7xEMsySBFG3MVHI-9VsAJX-j50W',
    description: '十月佣金',
    extra: { user_name: '张三', force_check: true },
  });
  await pingpp.transfers.retrieve(transfer.id);
  await pingpp.transfers.list({ app: { id: APP }, limit: 5 });

  const batch = await pingpp.batchTransfers.create({
    app: APP,
    batch_no: 'bt20261123001',
    channel: 'alipay',
    amount: 8000,
    currency: 'cny',
    type: 'b2c',
    description: '十月工资',
    recipients: [
      { account: 'account01@alipay.com', amount: 5000, name: '张三' },
      { account: 'account02@alipay.com', amount: 3000, name: '李四' },
    ],
  });
  await pingpp.batchTransfers.cancel(batch.id);

  const user = await pingpp.users.create(APP, { id: 'user_001', name: '张三' });
  await pingpp.balanceBonuses.create(APP, {
    user: user.id,
    amount: 500,
    order_no: 'bb20261123001',
    description: '赠送余额',
  });
  await pingpp.users.update(APP, user.id, { mobile: '18616365222' });
  await pingpp.balanceTransactions.list(APP, { user: user.id, page: 1, per_page: 20 });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
