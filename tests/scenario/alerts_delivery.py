#!/usr/bin/python3
"""From a line in a log to a mail and a webhook: once, whatever is down for a while.

tocsin-test: timeout=400
"""

import random
import time

from tocsin_sinks import MailSink, WebhookSink
from tocsin_site import SOAK, Site, check, difference, run, scenario, wait_until

SEED = 20261121


def root_login(address, number=0):
    """A line that one of the shipped rules is about: "root logged in by ssh", with the address as its entity."""
    now = time.strftime("%b %e %H:%M:%S", time.localtime())
    return f"{now} signer1 sshd[{1000 + number}]: Accepted publickey for root from {address} port {40000 + number} ssh2"


RULE = "root logged in by ssh"


def addresses(count):
    return [f"198.51.100.{n}" for n in range(1, count + 1)]


def about(messages):
    """The address that each mail or post is about, in the order of arrival."""
    found = []
    for _, what, *_ in messages:
        text = what.get_content() if hasattr(what, "get_content") else str(what)
        found += [word.strip(".,;:'\"()[]{}") for word in text.replace("=", " ").split() if "198.51.100." in word][:1]
    return found


def posts_about(hook, rule=RULE):
    return [post["entity"]["source"]["ip"] for _, _, post in hook.posts if rule in post["rule"]["title"]]


def mails_about(mail):
    return about([entry for entry in mail.messages if "root" in str(entry[1]["Subject"])])


@scenario("a line becomes one mail over TLS with a password, and one post, both naming the alert")
def _(folder):
    with MailSink(folder, tls=True, user="tocsin", password="p w'd") as mail, WebhookSink() as hook, \
            Site(folder, mail=mail, webhooks=[hook]) as site:
        log = site.log("auth.log")
        site.start()
        written = time.time()
        log.write([root_login("198.51.100.7")])
        wait_until(lambda: mails_about(mail) and posts_about(hook), "a mail and a post")
        arrived, message, encrypted, user = next(entry for entry in mail.messages if "root" in str(entry[1]["Subject"]))
        print(f"# line to mail: {1000 * (arrived - written):.0f} ms")
        check(encrypted and user == "tocsin", "the mail came without TLS or without its user")
        alert = site.alerts(RULE)
        check(len(alert) == 1, f"{len(alert)} alerts")
        alert = alert[0]
        check(alert["entity"]["source"]["ip"] == "198.51.100.7", f"about {alert['entity']}")
        check(alert["severity"] == "3a" and alert["priority"] == "page", f"{alert['severity']} {alert['priority']}")
        check(alert["id"] in str(message["Message-ID"]), "the mail does not name its alert")
        check(message["To"] == "admin@test.example" and "tocsin@test.example" in message["From"], "From and To")
        text = message.get_content()
        for wanted in ("198.51.100.7", alert["why"], "sshd"):
            check(wanted in text, f"the mail does not say {wanted!r}: {text}")
        headers, post = hook.posts[-1][1:]
        check(post["id"] == alert["id"] and post["events"] == alert["events"], "the post is another alert")
        check(headers.get("X-Token") == "abc" and headers["Content-Type"] == "application/json", f"{headers}")
        event = site.query("198.51.100.7")
        check([found["id"] for found in event] == alert["events"], "the alert does not name its event")
        time.sleep(1)
        check(len(mails_about(mail)) == 1 and len(posts_about(hook)) == 1, "told more than once")


@scenario("what repeats about one entity is told once and counted")
def _(folder):
    with MailSink(folder) as mail, Site(folder, mail=mail) as site:
        log = site.log("auth.log")
        site.start()
        log.write([root_login("198.51.100.1", n) for n in range(20)])
        log.write([root_login("198.51.100.2")])
        wait_until(lambda: len(mails_about(mail)) >= 2, "two mails")
        site.wait_for_lines(log.written)
        wait_until(lambda: {alert["entity"]["source"]["ip"]: alert["count"] for alert in site.alerts(RULE)}
                   == {"198.51.100.1": 20, "198.51.100.2": 1}, lambda: f"counts of 20 and 1, not {site.alerts(RULE)}")
        check(sorted(mails_about(mail)) == addresses(2), f"mails about {mails_about(mail)}")


@scenario("a mail server that is down for a while gets every alert once when it is back, across a restart")
def _(folder):
    mail = MailSink(folder)
    with WebhookSink() as hook, Site(folder, mail=mail, webhooks=[hook]) as site:
        log = site.log("auth.log")
        site.start()
        log.write([root_login(address) for address in addresses(3)])
        wait_until(lambda: len(posts_about(hook)) == 3, "the webhook is not held up by the mail")
        wait_until(lambda: site.states("channel_down"), "an event says that the mail is down")
        channel = next(item for item in site.status()["channels"] if item["channel"] == "mail")
        check(channel["state"] == "failing" and channel["last_error"], f"the status says {channel}")
        site.collector.stop()
        site.start_collector()
        log.write([root_login(address) for address in addresses(5)[3:]])
        wait_until(lambda: len(posts_about(hook)) == 5, "the webhook after the restart")
        time.sleep(3)
        with mail:
            wait_until(lambda: len(mails_about(mail)) >= 5, lambda: f"5 mails, not {mails_about(mail)}", 120)
            wait_until(lambda: site.states("channel_up"), "an event says that the mail works again")
            time.sleep(1)
            check(sorted(mails_about(mail)) == addresses(5), f"mails about {mails_about(mail)}")
        check(sorted(posts_about(hook)) == addresses(5), f"posts about {posts_about(hook)}")


@scenario("a refusal for now is tried again, one for good is told and holds nothing up")
def _(folder):
    with MailSink(folder) as mail, WebhookSink(status=503) as hook, Site(folder, mail=mail, webhooks=[hook]) as site:
        log = site.log("auth.log")
        mail.refusing = "451 later, please"
        site.start()
        log.write([root_login("198.51.100.1")])
        wait_until(lambda: mail.tries >= 2 and hook.tries >= 2, "both are tried again")
        mail.refusing, hook.status = None, 200
        wait_until(lambda: mails_about(mail) == addresses(1) and posts_about(hook) == addresses(1), "both take it")
        mail.refusing = "550 never"
        log.write([root_login("198.51.100.2")])
        wait_until(lambda: site.states("notice_dropped"), "an event says that a notice was dropped")
        mail.refusing = None
        log.write([root_login("198.51.100.3")])
        wait_until(lambda: mails_about(mail)[-1:] == ["198.51.100.3"], "the next notice passes")
        check("198.51.100.2" not in mails_about(mail), "a notice that was refused for good came again")
        check("198.51.100.2" in [alert["entity"]["source"]["ip"] for alert in site.alerts(RULE)], "the alert has gone")


@scenario("each alert is raised and told once, however often the collector is restarted")
def _(folder):
    count = 250 if SOAK else 40
    chance = random.Random(SEED)
    with MailSink(folder) as mail, WebhookSink() as hook, Site(folder, mail=mail, webhooks=[hook]) as site:
        log = site.log("auth.log")
        site.start()
        for number, address in enumerate(addresses(count)):
            log.write([root_login(address, number)])
            time.sleep(chance.random() * 0.05)
            if number % 8 == 5:
                site.collector.stop()
                site.start_collector()
        wait_until(lambda: len(mails_about(mail)) >= count and len(posts_about(hook)) >= count,
                   lambda: f"{count} mails and posts, not {len(mails_about(mail))} and {len(posts_about(hook))}", 120)
        time.sleep(1)
        for what, found in (("alerts", [alert["entity"]["source"]["ip"] for alert in site.alerts(RULE)]),
                            ("mails", mails_about(mail)), ("posts", posts_about(hook))):
            wrong = difference(addresses(count), found)
            check(not wrong, f"{what}: {wrong}")
        site.check_verified()


@scenario("no alert is lost or raised twice when the collector is killed")
def _(folder):
    count = 250 if SOAK else 40
    chance = random.Random(SEED + 1)
    with WebhookSink() as hook, Site(folder, webhooks=[hook]) as site:
        log = site.log("auth.log")
        site.start()
        kills = 0
        for number, address in enumerate(addresses(count)):
            log.write([root_login(address, number)])
            time.sleep(chance.random() * 0.05)
            if number % 8 == 5:
                site.collector.kill()
                site.start_collector()
                kills += 1
        wait_until(lambda: len(set(posts_about(hook))) == count,
                   lambda: f"posts about {count}, not {len(set(posts_about(hook)))}", 120)
        wrong = difference(addresses(count), [alert["entity"]["source"]["ip"] for alert in site.alerts(RULE)])
        check(not wrong, f"alerts: {wrong}")
        # A notice that was handed over in the instant of the kill may come again: with the same id, so it can be told.
        posts = [post["id"] for _, _, post in hook.posts]
        twice = len(posts) - len(set(posts))
        check(twice <= kills, f"{twice} posts came twice in {kills} kills")
        ids = {post["id"] for _, _, post in hook.posts}
        check(len(ids) == len({post["entity"]["source"]["ip"] for _, _, post in hook.posts if RULE in post["rule"]["title"]})
              + len({post["id"] for _, _, post in hook.posts if RULE not in post["rule"]["title"]}),
              "one alert came under two ids")
        site.check_verified()


@scenario("a test alert goes through every channel and says how each took it")
def _(folder):
    with MailSink(folder) as mail, WebhookSink(status=500) as hook, Site(folder, mail=mail, webhooks=[hook]) as site:
        site.start_collector()
        out = site.tocsin("test-alert", expect=(1, 3))
        check("mail" in out + site.errors and "500" in out + site.errors, f"it says {out} {site.errors}")
        check(len(mail.messages) == 1, f"{len(mail.messages)} mails")
        hook.status = 200
        site.tocsin("test-alert")
        check(len(mail.messages) == 2 and len(hook.posts) == 1, f"{len(mail.messages)} mails, {len(hook.posts)} posts")


run()
