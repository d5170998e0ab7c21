// The official SDK for browsers, given the lines of JSON on stdin to pay with; prints what it does with each.
'use strict';

const readline = require('readline');

const CHANNELS = ['alipay_wap', 'alipay_pc_direct', 'wx_wap', 'wx_pub', 'isv_wap'];

function pay(given) {
  // It keeps what it was given before.
  Object.keys(require.cache).forEach((file) => delete require.cache[file]);
  const pingpp = require('pingpp-js');
  return new Promise((resolve) => {
    global.WeixinJSBridge = { invoke: (name, params) => resolve({ name, params }) };
    pingpp.setUrlReturnCallback((error, url) => resolve({ url }), CHANNELS);
    pingpp.createPayment(given, (result, error) => resolve({ result, error }));
  });
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await pay(line)));
  }
})();
