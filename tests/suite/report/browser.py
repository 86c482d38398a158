"""Headless Chromium for the tests of the page: Debian's chromium and chromium-driver, and Selenium."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def open_browser() -> webdriver.Chrome:
    """A browser that logs what it asks for; skips the test where there is none (in CI that is a failure)."""
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        reason = "no Chromium with chromedriver (Debian: apt-get install chromium chromium-driver)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


class Page:
    """The report in a browser window.

    Args:
        browser: from :func:`open_browser`.
        file: the HTML file.
        width: of the window in pixels.
        dark: whether the user prefers dark colours.
        script: whether JavaScript is on.
        paper: whether it is laid out for printing.
    """

    def __init__(
        self,
        browser,
        file: Path,
        width: int = 1280,
        dark: bool = False,
        script: bool = True,
        paper: bool = False,
    ) -> None:
        self.browser = browser
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        colours = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": "print" if paper else "", "features": colours}
        )
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        for kind in ("browser", "performance"):
            browser.get_log(kind)  # forget what earlier tests left
        browser.get(file.as_uri())

    def requests(self) -> list[str]:
        """Addresses that the page has asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def run(self, script: str, *arguments: object) -> object:
        return self.browser.execute_script(script, *arguments)

    def one(self, selector: str):
        return self.browser.find_element("css selector", selector)

    def all(self, selector: str) -> list:
        return self.browser.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector
        )

    def press(self, *keys: str) -> None:
        """Keys to what has the focus."""
        self.browser.switch_to.active_element.send_keys(*keys)

    def focus(self, element) -> None:
        self.run("arguments[0].focus()", element)

    def grays(self, selector: str) -> list[float]:
        """Mean gray level of each picture (``img``), once it is there."""
        script = """
            const done = arguments[1];
            Promise.all([...document.querySelectorAll(arguments[0])].map(async (image) => {
              await image.decode();
              const canvas = document.createElement("canvas");
              canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
              const red = pixels.filter((_, i) => i % 4 === 0);
              return red.reduce((a, b) => a + b) / red.length;
            })).then(done, (error) => done(String(error)));
        """
        return self.browser.execute_async_script(script, selector)
