{{ indikator(fallzahl('grundsicherung_alter'), einwohner(65)) }}
