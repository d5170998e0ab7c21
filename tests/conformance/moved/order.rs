//! The shop of `order.py`, on this crate.

use pingpp::order_refunds::{CreateOrderRefund, RefundMode};
use pingpp::orders::{CreateOrder, ListOrders, OrderStatus, PayOrder};
use pingpp::{Amount, Client, Error, PayBy, Timestamp};

/// The client is that of the app, so that no call names it.
pub(crate) async fn order(client: &Client) -> Result<(), Error> {
    let order = client
        .orders()
        .create(
            CreateOrder::builder()
                .merchant_order_no("2026112300001")
                .amount(Amount::from_fen(12_800))
                .client_ip("203.0.113.7")
                .subject("龙井茶")
                .body("一壶明前龙井")
                .uid("user_001")
                .metadata([("table", "7")]),
        )
        .await?;
    let pay = PayOrder::builder()
        .channel(PayBy::wx_pub("o7xEMsySBFG3MVHI-9VsAJX-j50W"))
        .charge_amount(Amount::from_fen(12_800));
    let order = client.orders().pay(order.id, pay).await?;
    let order = client.orders().retrieve(order.id).await?;
    let _charges = client.orders().list_charges(&order.id).page(1).per_page(10).next_page().await?;
    let _refunds = client
        .order_refunds(&order.id)
        .create(
            CreateOrderRefund::builder()
                .description("茶杯破了")
                .charge("ch_100240816592822384640019")
                .charge_amount(Amount::from_fen(2_300))
                .refund_mode(RefundMode::ToSource),
        )
        .await?;
    let _refunds = client.order_refunds(&order.id).list().page(1).per_page(10).next_page().await?;
    let year = Timestamp::from_unix(1_704_067_200)..Timestamp::from_unix(1_735_689_600);
    let paid = ListOrders::builder().status(OrderStatus::Paid).created(year);
    let _orders = client.orders().list(paid).page(1).per_page(20).next_page().await?;
    client.orders().cancel(order.id, Some("user_001")).await?;
    Ok(())
}
