"""Chromium without a window, that reaches nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

#: Options without which it asks hosts of its maker at every start.
_SILENT = (
    "--headless",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1300,1000",
)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


class Page:
    """An open page, and what its console said."""

    def __init__(self, driver: webdriver.Chrome):
        self.driver = driver

    def run(self, script: str, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def find(self, selector: str) -> list:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        return WebDriverWait(self.driver, 30).until(lambda _: condition())

    def click(self, panel: str, trace: int, point: int) -> None:
        """A click of the mouse where a point of a figure is drawn."""
        x, y = self.run(
            """
            const panel = document.getElementById(arguments[0]);
            panel.scrollIntoView({block: "center"});
            const layout = panel._fullLayout, trace = panel.data[arguments[1]];
            const x = layout.xaxis, y = layout.yaxis, box = panel.getBoundingClientRect();
            return [
              box.left + x._offset + x.d2p(trace.x[arguments[2]]),
              box.top + y._offset + y.d2p(trace.y[arguments[2]]),
            ];
            """,
            panel,
            trace,
            point,
        )
        actions = webdriver.ActionChains(self.driver)
        actions.w3c_actions.pointer_action.move_to_location(round(x), round(y))
        actions.pause(0.2).click().perform()

    def console(self) -> list[str]:
        """What was said since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@contextmanager
def opened(path: Path, drawn: str = "#picks .scatterlayer .point") -> Iterator[Page]:
    """
    The page, which asks for no other file and leaves no message unread.

    :param path: HTML file
    :param drawn: Selector of what is waited for
    """
    options = Options()
    options.binary_location = CHROMIUM
    for option in _SILENT:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        driver.get(path.resolve().as_uri())
        page = Page(driver)
        page.wait(lambda: page.find(drawn))
        yield page
        assert page.console() == []
        assert not page.run("return performance.getEntriesByType('resource').length")
    finally:
        driver.quit()
