{{ indikator(fallzahl('wohndauer_ab_10'), einwohner(18)) }}
