//! Agreements, shares, customs, and what is asked about people and banks.

use pingpp::agreements::{AgreementStatus, CreateAgreement, ListAgreements};
use pingpp::customs::CreateCustoms;
use pingpp::funds_transfers::CreateFundsTransfer;
use pingpp::identification::Identity;
use pingpp::profit_transactions::ListProfitTransactions;
use pingpp::split_profits::{
    CreateSplitProfit, ListSplitProfits, ProfitStatus, SplitProfitType, SplitTo,
};
use pingpp::split_receivers::{CreateSplitReceiver, ListSplitReceivers, SplitReceiverType};
use pingpp::sub_banks::ListSubBanks;
use pingpp::{Channel, Client};
use serde_json::json;

use super::{CHARGE, Called, fen, one, page, plain};

const RECEIVER: &str = "recv_1fRcbVfT2Vwcya";
const SPLIT: &str = "sp_1fRcbVfT2Vwcyb";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 7] = [
    agreements,
    split_receivers,
    split_profits,
    profit_transactions,
    customs,
    people_and_banks,
    funds_transfers,
];

fn agreements(client: &Client) -> Vec<Called<'_>> {
    let api = client.agreements();
    let id = "agr_19EEE7QdgGMCoY";
    let create = CreateAgreement::builder()
        .contract_no("ct20240816001")
        .channel(Channel::Qpay)
        .extra([("display_account", "签约测试")])
        .metadata([("套餐", "年")]);
    let list = ListAgreements::builder().status(AgreementStatus::Succeeded);
    vec![
        one("agreements.create", api.create(create)),
        one("agreements.retrieve", api.retrieve(id)),
        page!("agreements.list", api.list(list).page(2).per_page(15)),
        one("agreements.cancel", api.cancel(id, Some("用户解约"))),
        plain("agreements.notify", api.notify(id, fen(1_990))),
    ]
}

fn split_receivers(client: &Client) -> Vec<Called<'_>> {
    let api = client.split_receivers();
    let create = CreateSplitReceiver::builder()
        .kind(SplitReceiverType::MerchantId)
        .account("190001001")
        .name("示例商户全称")
        .channel(Channel::WxPub)
        .metadata([("地区", "沪")]);
    let list =
        ListSplitReceivers::builder().kind(SplitReceiverType::MerchantId).channel(Channel::WxPub);
    vec![
        one("split_receivers.create", api.create(create)),
        one("split_receivers.retrieve", api.retrieve(RECEIVER)),
        page!("split_receivers.list", api.list(list).page(2).per_page(15)),
        plain("split_receivers.delete", api.delete(RECEIVER)),
    ]
}

fn split_profits(client: &Client) -> Vec<Called<'_>> {
    let api = client.split_profits();
    let share = SplitTo::builder()
        .split_receiver(RECEIVER)
        .amount(fen(6))
        .name("示例商户全称")
        .description("分账给商户");
    let create = CreateSplitProfit::builder()
        .charge(CHARGE)
        .order_no("sp20240816001")
        .kind(SplitProfitType::SplitNormal)
        .recipients([share.build()])
        .metadata([("k", "值")]);
    let list = ListSplitProfits::builder()
        .charge(CHARGE)
        .kind(SplitProfitType::SplitNormal)
        .channel(Channel::WxPub);
    vec![
        one("split_profits.create", api.create(create)),
        one("split_profits.retrieve", api.retrieve(SPLIT)),
        page!("split_profits.list", api.list(list).page(2).per_page(15)),
    ]
}

fn profit_transactions(client: &Client) -> Vec<Called<'_>> {
    let api = client.profit_transactions();
    let list = ListProfitTransactions::builder()
        .split_profit(SPLIT)
        .split_receiver(RECEIVER)
        .status(ProfitStatus::Succeeded);
    vec![
        one("profit_transactions.retrieve", api.retrieve("ptxn_1fRcbVfT2Vwcyc")),
        page!("profit_transactions.list", api.list(list).page(2).per_page(15)),
    ]
}

fn customs(client: &Client) -> Vec<Called<'_>> {
    let api = client.customs();
    let create = CreateCustoms::builder()
        .charge(CHARGE)
        .channel(Channel::Alipay)
        .trade_no("cu20240816001")
        .customs_code("GUANGZHOU")
        .amount(fen(12_800))
        .transport_amount(fen(10))
        .is_split(true)
        .sub_order_no("sub20240816001")
        .extra(json!({
            "pay_account": "2088101117955611", "certif_type": "02", "customer_name": "张三",
            "certif_id": "310181198910107641", "tax_amount": 1
        }));
    vec![
        one("customs.create", api.create(create)),
        one("customs.retrieve", api.retrieve("14201609281040220109")),
        page!("customs.list", api.list().page(2).per_page(15)),
    ]
}

fn people_and_banks(client: &Client) -> Vec<Called<'_>> {
    let identity = Identity::builder()
        .id_name("张三")
        .id_number("310181198910107641")
        .card_number("6201111122223333")
        .phone_number("18623234545");
    let branches = ListSubBanks::builder()
        .open_bank_code("0308")
        .prov("浙江省")
        .city("宁波市")
        .channel("chanpay");
    vec![
        plain("identification.identify", client.identification().identify(identity)),
        plain("card_info.query", client.card_info().query("6222280012469823")),
        one("sub_banks.list", client.sub_banks().list(branches)),
    ]
}

fn funds_transfers(client: &Client) -> Vec<Called<'_>> {
    let api = client.funds_transfers();
    let create = CreateFundsTransfer::builder()
        .channel("alipay_fund")
        .order_no("ft20240816001")
        .amount(fen(100))
        .subject("资金划拨")
        .description("八月划拨");
    vec![
        plain("funds_transfers.create", api.create(create)),
        plain("funds_transfers.retrieve", api.retrieve("7312504116419046403")),
    ]
}
