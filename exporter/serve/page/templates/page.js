"use strict";
// Replaces what changed on the page, without flicker: open details, focus and scroll position stay.
(() => {
  const EVERY = 5000, PATIENCE = 20000;
  const parser = new DOMParser();
  const notice = document.getElementById("lost");
  let since = null, asking = false, timer = 0;

  const keyOf = (node) => node.nodeType === Node.ELEMENT_NODE ? node.dataset.key ?? null : null;
  const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

  function attributes(old, fresh) {
    // Whether details are open is the reader's choice.
    const own = old.nodeName === "DETAILS" ? "open" : null;
    for (const {name} of [...old.attributes]) if (name !== own && !fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }

  function match(fresh, place, keyed) {
    const key = keyOf(fresh);
    if (key !== null) return keyed.get(key);
    return place && alike(place, fresh) ? place : undefined;
  }

  function update(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    attributes(old, fresh);
    const keyed = new Map([...old.children].map((child) => [keyOf(child), child]));
    let place = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const found = match(next, place, keyed);
      if (!found || !alike(found, next)) {
        old.insertBefore(document.importNode(next, true), place);
        continue;
      }
      keyed.delete(keyOf(found));
      if (found === place) place = place.nextSibling; else old.insertBefore(found, place);
      update(found, next);
    }
    while (place) { const gone = place; place = place.nextSibling; gone.remove(); }
  }

  function show(fresh) {
    if (fresh.documentElement.dataset.assets !== document.documentElement.dataset.assets) { location.reload(); return; }
    const focused = document.activeElement;
    for (const part of document.querySelectorAll("[data-part]")) {
      update(part, fresh.querySelector(`[data-part="${part.dataset.part}"]`));
    }
    if (focused !== document.activeElement && focused?.isConnected) focused.focus({preventScroll: true});
    document.title = fresh.title;
    const icon = document.querySelector("link[rel=icon]"), next = fresh.querySelector("link[rel=icon]").href;
    if (icon.href !== next) icon.href = next;
  }

  async function ask() {
    const answer = await fetch(location.href, {cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE)});
    const fresh = parser.parseFromString(await answer.text(), "text/html");
    if (!fresh.querySelector('[data-part="content"]')) throw new Error(`status ${answer.status}`);
    return fresh;
  }

  function lost() {
    if (since !== null) return;
    since = new Date();
    notice.textContent = `The exporter has not answered since ${since.toLocaleTimeString()}. What stands here is from before.`;
    notice.hidden = false;
    document.title = `No answer - ${document.title}`;
  }

  async function refresh() {
    if (asking || document.hidden) return;
    asking = true;
    clearTimeout(timer);
    try {
      show(await ask());
      since = null;
      notice.hidden = true;
    } catch {
      lost();
    } finally {
      asking = false;
      if (!document.hidden) timer = setTimeout(refresh, EVERY);
    }
  }

  document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else refresh(); });
  timer = setTimeout(refresh, EVERY);
})();
