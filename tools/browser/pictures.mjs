// Pictures that are too small to be read.

/** Return pictures of a figure that a small screen shows at less than LEAST px, though they are meant to be wider. */
export function shrunkenPictures(page) {
  return page.evaluate(() => {
    const LEAST = 500;
    const meant = (picture) =>
      parseFloat(picture.style.width || picture.getAttribute("width")) || picture.naturalWidth;
    const shown = [...document.querySelectorAll("article figure img")].filter((picture) => picture.checkVisibility());
    const small = (picture) => picture.getBoundingClientRect().width < Math.min(meant(picture), LEAST) - 1;
    return shown.filter(small).map((picture) => picture.alt.slice(0, 60));
  });
}
