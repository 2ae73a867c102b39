// Two soft tones for a new urgent ticket. Browsers want a click before a page may be heard.

const NOTES = [660, 880];
const LENGTH = 0.22;
const button = document.getElementById("wall-sound");
let context = null;

function isOn() {
  return context?.state === "running";
}

function showState() {
  button.setAttribute("aria-pressed", String(isOn()));
  button.querySelector(".btn__text").textContent = isOn() ? "Sound is on" : "Sound on";
}

function play() {
  NOTES.forEach((frequency, index) => {
    const at = context.currentTime + index * LENGTH;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.4, at + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + LENGTH);
  });
}

async function toggle() {
  if (isOn()) await context.suspend();
  else await context.resume();
  showState();
  if (isOn()) play();
}

/** Where the display has sound: on at once if the browser lets it, else with the button. */
export function start() {
  if (!button || !("AudioContext" in window)) return;
  context = new AudioContext();
  context.addEventListener("statechange", showState);
  button.addEventListener("click", toggle);
  showState();
}

/** Heard only where sound is on. */
export function ring() {
  if (isOn()) play();
}
