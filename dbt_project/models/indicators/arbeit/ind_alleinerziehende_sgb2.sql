{{ indikator(fallzahl('sgb2_bg_alleinerziehend'), fallzahl('haushalte_alleinerziehend')) }}
