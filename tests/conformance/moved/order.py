"""A shop on the official client for Python: an order is made, paid, looked at and refunded.

`order.rs` is the same shop, moved over with the page of all operations."""

import os

import pingpp

pingpp.api_base = os.environ["PINGPP_TEST_URL"]
pingpp.api_key = "sk_test_conformance"
pingpp.private_key_path = os.environ["PINGPP_TEST_KEY"]
APP = "app_1Gqj58ynP0mHeX1q"

order = pingpp.Order.create(
    app=APP,
    merchant_order_no="2026112300001",
    amount=12800,
    currency="cny",
    client_ip="203.0.113.7",
    subject="龙井茶",
    body="一壶明前龙井",
    uid="user_001",
    metadata={"table": "7"},
)
order = pingpp.Order.pay(
    order.id,
    channel="wx_pub",
    charge_amount=12800,
    extra={"open_id": "o7xEMsySBFG3MVHI-9VsAJX-j50W"},
)
order = pingpp.Order.retrieve(order.id)
charges = pingpp.Order.list_charges(order.id, page=1, per_page=10)
refunds = pingpp.Order.refund(
    order.id,
    description="茶杯破了",
    charge="ch_100240816592822384640019",
    charge_amount=2300,
    refund_mode="to_source",
)
refunds = pingpp.Order.list_refunds(order.id, page=1, per_page=10)
orders = pingpp.Order.list(
    app=APP, page=1, per_page=20, status="paid",
    created={"gte": 1704067200, "lt": 1735689600},
)
pingpp.Order.cancel(order.id, user="user_001")
