{{ indikator(fallzahl('migrationshintergrund'), einwohner()) }}
