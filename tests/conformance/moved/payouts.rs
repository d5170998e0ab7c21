//! The payouts of `payouts.js`, on this crate.

use pingpp::balance_bonuses::CreateBalanceBonus;
use pingpp::balance_transactions::ListBalanceTransactions;
use pingpp::batch_transfers::{CreateBatchTransfer, PayTo};
use pingpp::transfers::{CreateTransfer, ListTransfers, TransferChannel, TransferType};
use pingpp::users::{CreateUser, UpdateUser};
use pingpp::{Amount, Client, Error};
use serde_json::json;

/// The client is that of the app, so that no call names it.
pub(crate) async fn payouts(client: &Client) -> Result<(), Error> {
    let transfer = client
        .transfers()
        .create(
            CreateTransfer::builder()
                .order_no("tr20261123001")
                .channel(TransferChannel::WxPub)
                .amount(Amount::from_fen(10_000))
                .kind(TransferType::B2c)
                .recipient("o7xEMsySBFG3MVHI-9VsAJX-j50W")
                .description("十月佣金")
                .extra(json!({ "user_name": "张三", "force_check": true })),
        )
        .await?;
    client.transfers().retrieve(transfer.id).await?;
    client.transfers().list(ListTransfers::builder()).limit(5).next_page().await?;

    let pay_to = |account: &str, fen, name: &str| {
        PayTo::builder().account(account).amount(Amount::from_fen(fen)).name(name).build()
    };
    let batch = client
        .batch_transfers()
        .create(
            CreateBatchTransfer::builder()
                .batch_no("bt20261123001")
                .channel(TransferChannel::Alipay)
                .amount(Amount::from_fen(8_000))
                .kind(TransferType::B2c)
                .description("十月工资")
                .recipients([
                    pay_to("account01@alipay.com", 5_000, "张三"),
                    pay_to("account02@alipay.com", 3_000, "李四"),
                ]),
        )
        .await?;
    client.batch_transfers().cancel(batch.id).await?;

    let user = client.users().create(CreateUser::builder().id("user_001").name("张三")).await?;
    let bonus = CreateBalanceBonus::builder()
        .user(&user.id)
        .amount(Amount::from_fen(500))
        .order_no("bb20261123001")
        .description("赠送余额");
    client.balance_bonuses().create(bonus).await?;
    client.users().update(&user.id, UpdateUser::builder().mobile("18616365222")).await?;
    let of_the_user = ListBalanceTransactions::builder().user(&user.id);
    client.balance_transactions().list(of_the_user).page(1).per_page(20).next_page().await?;
    Ok(())
}
