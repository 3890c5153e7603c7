extension String {
    /// The word that differs from this one by the fewest letters, if these are few.
    public func nearest(in words: [String]) -> String? {
        let letters = Array(lowercased().unicodeScalars.prefix(40))
        let distances = words.map { word in
            (word: word, distance: Self.distance(letters, Array(word.lowercased().unicodeScalars)))
        }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= Swift.max(1, Swift.min(letters.count, best.word.count) / 3) ? best.word : nil
    }

    /// Letters to put in, take out, change or swap with the next one.
    private static func distance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
        var rows = [Array(0 ... other.count)]
        for (i, letter) in one.enumerated() {
            var row = [i + 1]
            for (j, wanted) in other.enumerated() {
                var best = Swift.min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (letter == wanted ? 0 : 1))
                if i > 0, j > 0, letter == other[j - 1], one[i - 1] == wanted {
                    best = Swift.min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
