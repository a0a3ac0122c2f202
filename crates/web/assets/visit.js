// What the page of the photos cannot do by forms alone: progress, retries, the place, news of the checks.
// It sends the same forms to the same addresses and shows what the server's own page says.

const words = document.getElementById("words").dataset;
const spoken = document.getElementById("spoken");
const WAITS_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const STALL_MS = 45000;
const LOOKS_MS = [1000, 1500, 2000, 3000, 5000, 10000];
const queue = [];
let place = null;
let busy = false;
let looks = 0;
let timer = 0;

document.documentElement.classList.add("ready");

const say = (text) => {
  spoken.textContent = text;
};

const nameOf = (box) => {
  const name = document.getElementById(`${box.id}-name`);
  return name ? name.firstChild.textContent.trim() : "";
};

// Takes over what is new in a page that the server sent. False: it is another page.
const take = (text) => {
  const next = new DOMParser().parseFromString(text, "text/html");
  if (!next.getElementById("spoken")) return false;
  for (const fresh of next.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    const box = old && old.closest("[data-side]");
    if (!old || (box && box.dataset.busy) || old.innerHTML === fresh.innerHTML) continue;
    const isState = box && fresh.id === `${box.id}-state`;
    old.replaceChildren(...fresh.childNodes);
    if (isState) say(`${nameOf(box)}: ${old.textContent}`);
  }
  for (const fresh of next.querySelectorAll("[data-side][data-status]")) {
    const old = document.getElementById(fresh.id);
    if (old && !old.dataset.busy) old.dataset.status = fresh.dataset.status;
  }
  plan();
  return next;
};

// While a photo is looked at, asks for news, less and less often.
const plan = () => {
  clearTimeout(timer);
  if (!document.querySelector("[data-status=checking]")) {
    looks = 0;
    return;
  }
  timer = setTimeout(look, LOOKS_MS[Math.min(looks, LOOKS_MS.length - 1)]);
  looks += 1;
};

const look = async () => {
  try {
    const answer = await fetch(location.pathname, { credentials: "same-origin" });
    if (answer.ok && take(await answer.text()) === false) location.reload();
  } catch {
    plan();
  }
};

const post = (form, data, progress) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let stall = 0;
    const alive = () => {
      clearTimeout(stall);
      stall = setTimeout(() => request.abort(), STALL_MS);
    };
    const end = () => {
      clearTimeout(stall);
      resolve(request);
    };
    request.open("POST", form.action);
    request.upload.onprogress = (event) => {
      alive();
      if (event.lengthComputable) progress(Math.floor((100 * event.loaded) / event.total));
    };
    request.onload = end;
    request.onerror = end;
    request.onabort = end;
    alive();
    request.send(data);
  });

// Until the time is over, or the network is back.
const rest = (ms) =>
  new Promise((resolve) => {
    const wait = setTimeout(resolve, ms);
    addEventListener("online", () => (clearTimeout(wait), resolve()), { once: true });
  });

const send = async ({ box, form, data }) => {
  const bar = form.querySelector("progress");
  const error = box.querySelector("[data-error]");
  const state = document.getElementById(`${box.id}-state`);
  const show = (text) => {
    if (state) state.replaceChildren(Object.assign(document.createElement("p"), { className: "status checking", textContent: text }));
  };
  error.textContent = "";
  bar.hidden = false;
  say(`${nameOf(box)}: ${words.uploading}`);
  for (let tries = 0; ; tries += 1) {
    show(words.uploading);
    const request = await post(form, data, (percent) => {
      bar.value = percent;
      show(`${words.uploading} ${percent} %`);
    });
    const again = request.status === 0 || request.status === 408 || request.status === 429 || request.status >= 500;
    if (!again) {
      bar.hidden = true;
      // Another one may have been chosen meanwhile.
      if (!queue.some((next) => next.box === box)) delete box.dataset.busy;
      looks = 0;
      const page = take(request.responseText);
      if (page === false) return location.reload();
      const said = request.status >= 400 && page.getElementById(error.id);
      if (said) {
        error.textContent = said.textContent || words.failed;
        const preview = box.querySelector("img[data-preview]");
        if (preview) preview.remove();
      }
      return;
    }
    bar.value = 0;
    show(`${words.retrying}…`);
    say(`${nameOf(box)}: ${words.retrying}`);
    await rest(WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]);
  }
};

// One after the other: on a slow line each photo arrives sooner.
const work = async () => {
  if (busy) return;
  busy = true;
  while (queue.length) await send(queue.shift());
  busy = false;
};

const chosen = (form) => {
  const input = form.elements.image;
  const file = input.files[0];
  const box = form.closest("[data-side]");
  if (!file) return;
  const data = new FormData(form);
  // The same photo sent again bears the same word; the next photo bears another.
  data.set("uploadId", `${form.elements.uploadId.value}-${Date.now()}`);
  if (file.lastModified) data.set("date", new Date(file.lastModified).toISOString());
  if (place) {
    data.set("latitude", place.latitude);
    data.set("longitude", place.longitude);
  }
  const picture = document.getElementById(`${box.id}-picture`);
  if (picture) {
    const image = Object.assign(new Image(), { src: URL.createObjectURL(file), alt: words.photo });
    image.dataset.preview = "";
    picture.replaceChildren(image);
  }
  box.dataset.busy = "true";
  box.dataset.status = "checking";
  queue.push({ box, form, data });
  input.value = "";
  work();
};

for (const form of document.querySelectorAll("form[data-photo]")) {
  form.elements.image.addEventListener("change", () => chosen(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    chosen(form);
  });
}

const asking = document.querySelector("[data-place]");
if (asking && navigator.geolocation) {
  const [text, button] = [asking.querySelector("p"), asking.querySelector("button")];
  const known = (coords) => {
    place = { latitude: coords.latitude, longitude: coords.longitude };
    text.textContent = words.shared;
    button.hidden = true;
  };
  asking.hidden = false;
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        known(coords);
        // Kept for this tab alone, so that a reload need not ask again.
        try {
          sessionStorage.setItem("place", JSON.stringify(place));
        } catch {}
        say(words.shared);
      },
      () => {
        text.textContent = words.refused;
        say(words.refused);
      },
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 },
    );
  });
  try {
    const kept = JSON.parse(sessionStorage.getItem("place"));
    if (kept) known(kept);
  } catch {}
}

addEventListener("beforeunload", (event) => {
  if (busy) event.preventDefault();
});

plan();
