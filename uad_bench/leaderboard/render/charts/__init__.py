"""Small charts of the HTML page, as inline SVG whose colours come from the style of the page."""
