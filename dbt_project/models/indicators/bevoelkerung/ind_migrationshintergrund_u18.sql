{{ indikator(fallzahl('migrationshintergrund_u18'), einwohner(0, 17)) }}
