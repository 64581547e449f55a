"""From a Report to something a person reads.

build     to_html, to_json, to_markdown, to_text, from_json      words    questions, answers, the worst reasons
figures   the data of a picture -> drawing, caption, table       charts   inline SVG
templates report.html.j2, card.md.j2, style.css                  report.schema.json   what report.json looks like
compare   two reports side by side
image_figures, series_figures, text_figures   drawings of one modality
"""
