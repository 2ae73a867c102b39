// The newest lines stand at the end, so that is where a reader begins.

for (const box of document.querySelectorAll(".log-container")) box.scrollTop = box.scrollHeight;
