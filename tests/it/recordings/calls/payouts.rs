//! Money that goes out.

use pingpp::batch_refunds::{CreateBatchRefund, ListBatchRefunds, RefundOf};
use pingpp::batch_transfers::{CreateBatchTransfer, ListBatchTransfers, PayTo};
use pingpp::red_envelopes::{CreateRedEnvelope, ListRedEnvelopes, RedEnvelopeStatus};
use pingpp::transfers::{
    CreateTransfer, ListTransfers, TransferChannel, TransferStatus, TransferType,
};
use pingpp::{Channel, Client, FundingSource};
use serde_json::json;

use super::{CHARGE, Called, OPEN_ID, fen, one, page, year};

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 4] =
    [transfers, red_envelopes, batch_transfers, batch_refunds];

fn transfers(client: &Client) -> Vec<Called<'_>> {
    let api = client.transfers();
    let id = "tr_130250408562336460800013";
    let create = CreateTransfer::builder()
        .channel(TransferChannel::WxPub)
        .order_no("tr20240816001")
        .amount(fen(5_000))
        .kind(TransferType::B2c)
        .recipient(OPEN_ID)
        .description("八月佣金")
        .extra(json!({ "user_name": "张三", "force_check": true }))
        .metadata([("月份", "8")]);
    let list = ListTransfers::builder()
        .created(year())
        .channel(TransferChannel::WxPub)
        .status(TransferStatus::Paid)
        .kind(TransferType::B2c);
    let list = api.list(list).limit(100).after("tr_130250408562336460800001").expand("app");
    vec![
        one("transfers.create", api.create(create)),
        one("transfers.retrieve", api.retrieve(id)),
        one("transfers.reverse", api.reverse(id)),
        page!("transfers.list", list),
    ]
}

fn red_envelopes(client: &Client) -> Vec<Called<'_>> {
    let api = client.red_envelopes();
    let create = CreateRedEnvelope::builder()
        .order_no("123456789012345678")
        .channel(Channel::WxPub)
        .amount(fen(20_000))
        .recipient(OPEN_ID)
        .subject("新年快乐")
        .body("恭喜发财，大吉大利！")
        .description("春节红包")
        .extra([("send_name", "茶馆"), ("nick_name", "老茶馆")])
        .metadata([("活动", "春节")]);
    let list = ListRedEnvelopes::builder()
        .created(year())
        .channel(Channel::WxPub)
        .status(RedEnvelopeStatus::Received);
    let list = api.list(list).limit(10).after("red_000000000000000000000001").expand("app");
    vec![
        one("red_envelopes.create", api.create(create)),
        one("red_envelopes.retrieve", api.retrieve("red_KCabLO58W5G0rX90iT0az5a9")),
        page!("red_envelopes.list", list),
    ]
}

fn batch_transfers(client: &Client) -> Vec<Called<'_>> {
    let api = client.batch_transfers();
    let id = "181610181347533171";
    let first = PayTo::builder()
        .account("6228480402564890011")
        .amount(fen(5_000))
        .name("张三")
        .description("基本工资")
        .open_bank("农业银行")
        .open_bank_code("0103")
        .card_type(0)
        .order_no("bt2024081600101")
        .build();
    let second = PayTo::builder()
        .account("6228480402564890029")
        .amount(fen(3_000))
        .name("李四")
        .open_bank_code("0103")
        .build();
    let create = CreateBatchTransfer::builder()
        .batch_no("bt20240816001")
        .channel(TransferChannel::Unionpay)
        .amount(fen(8_000))
        .kind(TransferType::B2c)
        .description("八月工资")
        .recipients([first, second])
        .metadata([("批次", "08")]);
    let list = ListBatchTransfers::builder().created(year());
    vec![
        one("batch_transfers.create", api.create(create)),
        one("batch_transfers.retrieve", api.retrieve(id)),
        page!("batch_transfers.list", api.list(list).page(2).per_page(15)),
        one("batch_transfers.update", api.cancel(id)),
    ]
}

fn batch_refunds(client: &Client) -> Vec<Called<'_>> {
    let api = client.batch_refunds();
    let first = RefundOf::builder()
        .charge(CHARGE)
        .amount(fen(100))
        .description("破损")
        .funding_source(FundingSource::UnsettledFunds)
        .build();
    let second = RefundOf::builder().charge("ch_100240816592822384640020").build();
    let create = CreateBatchRefund::builder()
        .batch_no("br20240816001")
        .charges([first, second])
        .description("批量退款")
        .metadata([("k", "值")]);
    let list = ListBatchRefunds::builder().created(year());
    vec![
        one("batch_refunds.create", api.create(create)),
        one("batch_refunds.retrieve", api.retrieve("151610181347533172")),
        page!("batch_refunds.list", api.list(list).page(2).per_page(15)),
    ]
}
