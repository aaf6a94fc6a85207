{{ indikator(fallzahl('schwerbehinderte'), einwohner()) }}
