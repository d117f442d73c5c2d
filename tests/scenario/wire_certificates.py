#!/usr/bin/python3
"""Certificates grow old, keys do not: an agent renews its own while it is connected."""

import os

from tocsin_proxy import Proxy
from tocsin_site import Site, check, run, scenario, wait_until
from tocsin_wire import certificate_days, load_key, make_certificate, spki_hash


@scenario("a certificate that is due is renewed without a restart, and its key stays")
def _(folder):
    with Site(folder) as site, Proxy(site.port) as proxy:
        agent = site.agent
        agent.port = proxy.port
        log = site.log("auth.log")
        site.start()
        agent.stop()
        keys = os.path.join(agent.data, "agent")
        key, certificate = os.path.join(keys, "tls.key"), os.path.join(keys, "tls.crt")
        before = spki_hash(key)
        make_certificate(keys, agent.name, load_key(key), days=(-330, 35))
        check(spki_hash(key) == before and certificate_days(certificate) < 40, "the old certificate is not in place")
        agent.start()
        wait_until(lambda: site.states("certificate_renewed"), "an event says that the certificate is renewed")
        check(certificate_days(certificate) > 300, f"it is valid for {certificate_days(certificate)} days")
        check(spki_hash(key) == before, "its key has changed")
        log.write(["over the connection made with the old one"])
        site.wait_for_lines(log.written)
        connections = proxy.connections
        proxy.cut_all()
        log.write(["over one made with the new one"])
        site.wait_for_lines(log.written)
        check(proxy.connections > connections, "there was no new connection")
        site.check_verified()


@scenario("an expired certificate of either end keeps nobody out")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        site.agent.stop()
        site.collector.stop()
        for name in ("agent", "collector"):
            keys = os.path.join(site.data, name)
            make_certificate(keys, "old", load_key(os.path.join(keys, "tls.key")), days=(-400, -10))
        site.start()
        log.write(["after a long holiday"])
        site.wait_for_lines(log.written)
        site.check_verified()


@scenario("a collector with another key is not sent a byte")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["for the right one"])
        site.wait_for_lines(log.written)
        site.collector.stop()
        keys = os.path.join(site.data, "collector")
        right = load_key(os.path.join(keys, "tls.key"))
        make_certificate(keys, "somebody else")
        site.start_collector()
        log.write(["not for this one"])
        site.agent.daemon.wait_for_log("is pinned")
        check(site.count("", "--class", "access") == 1, "an agent sent its lines to a stranger")
        check(site.agent_status()["state"] != "connected", "an agent is connected to a stranger")
        site.collector.stop()
        make_certificate(keys, "the right one again", right)
        site.start_collector()
        site.wait_for_lines(log.written)


run()
