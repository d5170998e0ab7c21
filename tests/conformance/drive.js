// The official client for Node, called as the lines of JSON on stdin say, one answer a line.
'use strict';

const http = require('http');
const readline = require('readline');

// It waits for ever on a connection that is kept alive, since Node 19 made that the default.
http.globalAgent = new http.Agent({ keepAlive: false });

const url = new URL(process.env.PINGPP_TEST_URL);
const client = require('pingpp')('sk_test_conformance');
client.setHost(url.hostname, Number(url.port), 'http');
client.setPrivateKeyPath(process.env.PINGPP_TEST_KEY);

async function call({ name, ids, params, exists }) {
  const [owner, method] = name.split('.');
  const found = client[owner] && client[owner][method];
  if (!found || exists) return found ? 'there' : 'missing';
  // These take an id and a callback, and nothing else.
  const alone = ['cancel', 'confirm'].includes(method);
  await found.call(client[owner], ...ids.map(([, value]) => value), ...(alone ? [] : [params]));
  return 'sent';
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(await call(JSON.parse(line)).catch((error) => `failed: ${error.message || error}`));
  }
})();
