//! The account product: users, their balances, and what is paid out to them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pingpp::Client;
use pingpp::balance_bonuses::{CreateBalanceBonus, ListBalanceBonuses};
use pingpp::balance_settlements::ListBalanceSettlements;
use pingpp::balance_transactions::{BalanceTransactionType, ListBalanceTransactions};
use pingpp::balance_transfers::{CreateBalanceTransfer, ListBalanceTransfers};
use pingpp::batch_withdrawals::{
    BatchWithdrawalStatus, CreateBatchWithdrawal, ListBatchWithdrawals,
};
use pingpp::contacts::CreateContact;
use pingpp::settle_accounts::{CreateSettleAccount, SettleChannel, SettleTo};
use pingpp::users::{CreateUser, Gender, ListUsers, UpdateUser, UploadPic, UserType};
use pingpp::withdrawals::{CreateWithdrawal, ListWithdrawals, WithdrawalChannel, WithdrawalStatus};
use serde_json::json;

use super::{Called, fen, one, page, plain, year};

pub(super) const USER: &str = "user007@gmail.com";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 4] =
    [users, settle_accounts, balances, withdrawals];

fn users(client: &Client) -> Vec<Called<'_>> {
    let api = client.users();
    let create = CreateUser::builder()
        .id(USER)
        .address("上海市杨浦区 1 号")
        .avatar("https://example.com/a.png")
        .email(USER)
        .gender(Gender::Male)
        .mobile("18616365222")
        .name("张三")
        .metadata([("等级", "金")])
        .parent_user_id("user_parent-01");
    let list = ListUsers::builder().created(year()).kind(UserType::Customer).disabled(false);
    let update = UpdateUser::builder()
        .address("北京市朝阳区")
        .avatar("https://example.com/b.png")
        .email("u@example.com")
        .gender(Gender::Female)
        .mobile("18616365223")
        .name("王五")
        .metadata([("等级", "银")]);
    let picture = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkS+w==";
    let upload = UploadPic::builder()
        .user(USER)
        .kind(UserType::Customer)
        .acc_no("6228480402564890011")
        .operate_type("00")
        .pic(STANDARD.decode(picture).unwrap())
        .pic_fmt("jpg")
        .pic_type("101");
    let contact = CreateContact::builder()
        .user(USER)
        .acc_no("6228480402564890011")
        .contact_type(1)
        .contact_name("张三")
        .contact_cert_type("01")
        .contact_cert_no("310181198910107641")
        .contact_cert_valid_from("2015-01-01")
        .contact_cert_valid_until("2035-01-01")
        .contact_cert_mobile("18616365222")
        .contact_job_type(2)
        .contact_relation_ship(3);
    vec![
        one("users.create", api.create(create)),
        one("users.retrieve", api.retrieve(USER)),
        page!("users.list", api.list(list).page(2).per_page(15)),
        one("users.update", api.update(USER, update)),
        plain("users.delete", api.delete(USER)),
        plain("users.upload_pic", api.upload_pic(upload)),
        plain("contacts.create", client.contacts().create(contact)),
    ]
}

fn settle_accounts(client: &Client) -> Vec<Called<'_>> {
    let api = client.settle_accounts(USER);
    let id = "320217031816231000001001";
    let to = SettleTo::builder()
        .account("6214888888888888")
        .name("张三")
        .kind("b2c")
        .open_bank("招商银行")
        .open_bank_code("0308")
        .card_type(0)
        .prov("上海市")
        .city("上海市")
        .sub_bank("招商银行上海分行")
        .sub_bank_code("308290003020")
        .mobile("18616365222")
        .force_check(true)
        .build();
    let create =
        CreateSettleAccount::builder().channel(SettleChannel::BankAccount).recipient(to.clone());
    vec![
        one("settle_accounts.create", api.create(create)),
        one("settle_accounts.retrieve", api.retrieve(id)),
        page!("settle_accounts.list", api.list().page(2).per_page(15)),
        plain("settle_accounts.delete", api.delete(id)),
        one("settle_accounts.update", api.update(id, to)),
        one("settle_accounts.update_mobile", api.update_mobile(id, "18616365224")),
        one("settle_accounts.verify", api.verify(id, fen(37))),
    ]
}

fn balances(client: &Client) -> Vec<Called<'_>> {
    let entries = client.balance_transactions();
    let of_year = ListBalanceTransactions::builder()
        .created(year())
        .user(USER)
        .kind(BalanceTransactionType::Recharge);
    let bonuses = client.balance_bonuses();
    let bonus = CreateBalanceBonus::builder()
        .user(USER)
        .amount(fen(500))
        .order_no("bb20240816001")
        .description("赠送余额")
        .metadata([("活动", "周年")]);
    let bonuses_of = ListBalanceBonuses::builder().user(USER);
    let transfers = client.balance_transfers();
    let transfer = CreateBalanceTransfer::builder()
        .user(USER)
        .recipient("0")
        .amount(fen(1_000))
        .order_no("bx20240816001")
        .user_fee(fen(10))
        .description("余额转账")
        .metadata([("用途", "还款")]);
    let transfers_of = ListBalanceTransfers::builder().user(USER).recipient("user_001");
    let settlements = client.balance_settlements();
    let settlements_of = ListBalanceSettlements::builder().user(USER);
    vec![
        one("balance_transactions.retrieve", entries.retrieve("310217082219321400039901")),
        page!("balance_transactions.list", entries.list(of_year).page(2).per_page(15)),
        one("balance_bonuses.create", bonuses.create(bonus)),
        one("balance_bonuses.retrieve", bonuses.retrieve("650170822193214000399022")),
        page!("balance_bonuses.list", bonuses.list(bonuses_of).page(2).per_page(15)),
        one("balance_transfers.create", transfers.create(transfer)),
        one("balance_transfers.retrieve", transfers.retrieve("660170822193214000399033")),
        page!("balance_transfers.list", transfers.list(transfers_of).page(2).per_page(15)),
        one("balance_settlements.retrieve", settlements.retrieve("670180404150301000120001")),
        page!("balance_settlements.list", settlements.list(settlements_of).page(2).per_page(15)),
    ]
}

fn withdrawals(client: &Client) -> Vec<Called<'_>> {
    let api = client.withdrawals();
    let id = "1701611150302360654";
    let create = CreateWithdrawal::builder()
        .user(USER)
        .amount(fen(20_000))
        .channel(WithdrawalChannel::Unionpay)
        .user_fee(fen(50))
        .order_no("1723802875001")
        .description("提现到银行卡")
        .extra(json!({
            "card_number": "6225210207073918", "user_name": "张三", "open_bank_code": "0102",
            "prov": "上海", "city": "上海"
        }))
        .metadata([("备注", "月结")]);
    let list = ListWithdrawals::builder()
        .created(year())
        .user(USER)
        .status(WithdrawalStatus::Created)
        .channel(WithdrawalChannel::Unionpay);
    let batches = client.batch_withdrawals();
    let batch = CreateBatchWithdrawal::builder()
        .withdrawals([id.into(), "1701611151015078981".into()])
        .status(BatchWithdrawalStatus::Pending)
        .metadata([("批次", "甲")]);
    let batches_of = ListBatchWithdrawals::builder().created(year());
    vec![
        one("withdrawals.create", api.create(create)),
        one("withdrawals.retrieve", api.retrieve(id)),
        page!("withdrawals.list", api.list(list).page(2).per_page(15)),
        one("withdrawals.confirm", api.confirm(id)),
        one("withdrawals.cancel", api.cancel(id)),
        one("batch_withdrawals.create", batches.create(batch)),
        one("batch_withdrawals.retrieve", batches.retrieve("1901611181522471234")),
        page!("batch_withdrawals.list", batches.list(batches_of).page(2).per_page(15)),
    ]
}
