"""The official client for Python, against the sandbox program."""

import os
import time

import pingpp

folder = os.environ["PINGPP_TEST_FOLDER"]
pingpp.api_base = "http://127.0.0.1:" + os.environ["PINGPP_TEST_PORT"]
pingpp.api_key = "sk_test_conformance"
pingpp.private_key_path = folder + "/merchant.pem"
app = {"id": "app_sandbox000000001"}


def create(order_no, **more):
    fields = dict(
        order_no=order_no, channel="alipay_scan", amount=100, client_ip="192.0.2.1",
        currency="cny", subject="茶 & tea", body="一壶龙井", app=app,
        extra={"scan_code": "281000000000000003"}, metadata={"table": "7"},
    )
    fields.update(more)
    return pingpp.Charge.create(**fields)


charge = create("python00000001")
assert charge.id.startswith("ch_") and charge.subject == "茶 & tea", charge
assert charge.metadata["table"] == "7" and not charge.paid
assert create("python00000001").id == charge.id, "the same order within a minute"
assert pingpp.Charge.retrieve(charge.id).order_no == "python00000001"

expanded = pingpp.Charge.retrieve(charge.id, expand=["app"])
assert expanded.app["object"] == "app", expanded

reversed_ = pingpp.Charge.reverse(charge.id)
assert reversed_.reversed is True, reversed_

for n in range(3):
    create("pythonlist%04d" % n)
page = pingpp.Charge.list(app=app, limit=2)
assert [c.order_no for c in page.data] == ["pythonlist0002", "pythonlist0001"] and page.has_more
page = pingpp.Charge.list(app=app, limit=100, starting_after=page.data[-1].id,
                          created={"gte": int(time.time()) - 600}, channel="alipay_scan")
assert page.data[0].order_no == "pythonlist0000", page

paid = create("python00000002", extra={"scan_code": "281000000000000001"})
assert paid.paid and paid.time_paid
refund = pingpp.Charge.refund(paid.id, amount=30, description="cup broken")
assert refund.object == "refund" and refund.status == "pending" and refund.charge == paid.id
assert pingpp.Charge.retrieve_refund(paid.id, refund.id).amount == 30
assert len(pingpp.Charge.list_refunds(paid.id, limit=5).data) == 1
assert pingpp.Charge.retrieve(paid.id).refunded is True


def refused(error, status, call):
    try:
        call()
    except error as refusal:
        assert refusal.http_status == status, refusal
    else:
        raise AssertionError("accepted")


refused(pingpp.error.InvalidRequestError, 400,
        lambda: pingpp.Charge.refund(paid.id, amount=71, description="too much"))
refused(pingpp.error.InvalidRequestError, 404, lambda: pingpp.Charge.retrieve("ch_none"))
refused(pingpp.error.InvalidRequestError, 400, lambda: create("x-y"))
refused(pingpp.error.ChannelError, 402,
        lambda: create("python00000003", extra={"scan_code": "281000000000000004"}))
pingpp.api_key = "sk_test_wrong"
refused(pingpp.error.AuthenticationError, 401, lambda: pingpp.Charge.reverse(charge.id))
pingpp.api_key = "sk_test_conformance"
# The path is read once only.
with open(folder + "/stranger.pem") as stranger:
    pingpp.private_key = stranger.read()
refused(pingpp.error.AuthenticationError, 401, lambda: pingpp.Charge.reverse(charge.id))
print("python: pingpp 2.7.2 agrees")
