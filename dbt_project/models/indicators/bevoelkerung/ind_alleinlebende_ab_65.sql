{{ indikator(fallzahl('haushalte_einperson_ab_65'), einwohner(65)) }}
