# SPDX-License-Identifier: Apache-2.0
"""Many browsers that ask at the same moment and wait, in a process of their own."""
import multiprocessing
import selectors
import socket
import time
import urllib.parse


def _answers(port, requests, seconds):
    """[(status, seconds)] in the order in which they came; status 0: none in time."""
    waiting, began, answers = selectors.DefaultSelector(), time.monotonic(), []
    for request in requests:
        s = socket.create_connection(("localhost", port))
        s.sendall(request)
        waiting.register(s, selectors.EVENT_READ)
    while waiting.get_map() and time.monotonic() - began < seconds:
        for key, _ in waiting.select(0.1):
            head = key.fileobj.recv(4096)
            answers.append((int(head.split()[1]) if head else 0, time.monotonic() - began))
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    return answers + [(0, seconds)] * len(waiting.get_map())


class Crowd:
    """`visits`: (browser of tests/lib/browser.py, URL) each; all are sent when it starts."""

    def __init__(self, visits, seconds=20):
        parts = urllib.parse.urlsplit(visits[0][1])
        requests = []
        for browser, url in visits:
            target = url.partition(parts.netloc)[2]
            requests.append((f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/html\r\n"
                             f"Cookie: {browser.cookie_header(parts.hostname)}\r\nConnection: close\r\n\r\n").encode())
        self.mine, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=lambda: theirs.send(_answers(parts.port, requests, seconds)))

    def __enter__(self):
        self.process.start()
        return self

    def answers(self):
        return self.mine.recv()

    def __exit__(self, *ignored):
        self.process.join(30)
        self.process.kill()
