internal import Foundation
public import Masking

/// A colour that a prompt names, in English, Spanish or French.
public struct ColorWord: Sendable, Equatable {
    /// As the prompt writes it, with what is said of it ("dark blue").
    public let name: String
    public let shade: Recoloring.Shade

    /// The colours that a prompt asks for: those that are listed together ("red and white"), where there are several
    /// lists those of the first. Where it asks for a change ("turn the red car blue") the last ones count.
    public static func found(in prompt: String) -> [ColorWord] {
        let tokens = tokens(of: prompt)
        var names: [(index: Int, entry: Entry)] = tokens.enumerated().compactMap { index, token in
            entries[token].map { (index, $0) }
        }.filter { !isDenied(tokens, at: $0.index) }
        // A rose and an orange are things, too: such a word is a colour only where no other is.
        let certain = names.filter { !$0.entry.isAlsoThing }
        names = certain.isEmpty ? names.filter { !isThing(tokens, at: $0.index) } : certain
        guard !names.isEmpty else { return [] }
        var lists: [[(index: Int, entry: Entry)]] = []
        for name in names {
            if let last = lists.last?.last, isJoined(tokens[(last.index + 1) ..< name.index]) {
                lists[lists.count - 1].append(name)
            } else {
                lists.append([name])
            }
        }
        let asksForChange = tokens.first.map(changes.contains) ?? false
        guard let list = asksForChange ? lists.last : lists.first else { return [] }
        var words: [ColorWord] = []
        for (index, entry) in list {
            let word = modified(entry, tokens: tokens, at: index)
            if !words.contains(where: { $0.shade == word.shade }) { words.append(word) }
        }
        return words
    }

    /// Whether a prompt asks for colours, by their names or at large: so that what is grey need not stay so.
    public static func areAskedFor(in prompt: String) -> Bool {
        let tokens = tokens(of: prompt)
        return tokens.enumerated().contains { index, token in
            (colorful.contains(token) || entries[token].map { $0.shade.chroma > 0 } == true)
                && !isDenied(tokens, at: index)
        }
    }

    /// Whether the colour at `index` stands behind a word that denies it, in the same list: "no blue flowers", "neither
    /// red nor blue", "sans fleurs bleues". Only words that go with a colour may stand between, and in Spanish, French
    /// and German also the one thing that has it.
    private static func isDenied(_ tokens: [String], at index: Int) -> Bool {
        var hasThing = false
        for place in (0 ..< index).reversed() {
            let token = tokens[place]
            let before = place > 0 ? tokens[place - 1] : ""
            if romanceDenials.contains(token) || token.hasPrefix("kein") && token.count <= 6 { return true }
            // "isn't" is two words here.
            if denials.contains(token) || deniers.contains("\(before) \(token)")
                || token == "t" && before.hasSuffix("n")
            {
                return !hasThing
            }
            let goesAlong =
                between.contains(token) || dark.contains(token) || light.contains(token) || entries[token] != nil
                || joins.contains(token) && token != ","
            if goesAlong { continue }
            guard !hasThing, token != ",", token != ".", place == index - 1 else { return false }
            hasThing = true
        }
        return false
    }

    /// Words without accents, in lower case, commas, and full stops for whatever ends a sentence.
    private static func tokens(of prompt: String) -> [String] {
        let plain = prompt.folding(options: [.diacriticInsensitive, .caseInsensitive], locale: nil).lowercased()
        var tokens: [String] = []
        var word = ""
        for character in plain {
            if character.isLetter {
                word.append(character)
                continue
            }
            if !word.isEmpty { tokens.append(word) }
            word = ""
            if character == "," || character == "/" || character == "&" { tokens.append(",") }
            if ".;!?\n".contains(character), !tokens.isEmpty { tokens.append(".") }
        }
        return word.isEmpty ? tokens : tokens + [word]
    }

    /// "a rose", "una rosa": the flower.
    private static func isThing(_ tokens: [String], at index: Int) -> Bool {
        index > 0 && articles.contains(tokens[index - 1])
            && (index + 1 == tokens.count || tokens[index + 1] == "," || tokens[index + 1] == ".")
    }

    /// Between names that are listed together. A word that only says how dark or light the next one is may stand there.
    private static func isJoined(_ between: ArraySlice<String>) -> Bool {
        !between.isEmpty && between.allSatisfy { joins.contains($0) || dark.contains($0) || light.contains($0) }
            && between.contains { joins.contains($0) }
    }

    /// With "dark" or "light" beside it: before it in English, behind it in Spanish and French.
    private static func modified(_ entry: Entry, tokens: [String], at index: Int) -> ColorWord {
        let before = index > 0 ? tokens[index - 1] : ""
        let behind = index + 1 < tokens.count ? tokens[index + 1] : ""
        var shade = entry.shade
        let range = shade.lightnessRange
        var name = tokens[index]
        if dark.contains(before) || darkBehind.contains(behind) {
            shade.lightness *= 0.7
            shade.lightnessRange = 0.55 * range.lowerBound ... 0.75 * shade.lightness + 0.25 * range.lowerBound
            shade.chroma *= 0.8
            name = dark.contains(before) ? "\(before) \(name)" : "\(name) \(behind)"
        } else if light.contains(before) || lightBehind.contains(behind) {
            shade.lightness = 0.4 * shade.lightness + 0.6 * 0.92
            shade.lightnessRange = shade.lightness - 0.06 ... 0.96
            shade.chroma *= 0.6
            name = light.contains(before) ? "\(before) \(name)" : "\(name) \(behind)"
        }
        return ColorWord(name: name, shade: shade)
    }

    private static let denials: Set = [
        "no", "not", "without", "never", "nor", "neither", "none", "non", "cannot", "nicht", "ohne", "nie",
    ]
    /// Behind these a thing stands before its colour.
    private static let romanceDenials: Set = [
        "sin", "ni", "nunca", "jamas", "ningun", "ninguna", "sans", "pas", "jamais", "aucun", "aucune",
    ]
    private static let deniers: Set = [
        "instead of", "rather than", "vez de", "lugar de", "lieu de", "plutot que",
    ]
    /// What may stand between a denial and its colour.
    private static let between: Set = [
        "a", "an", "the", "any", "more", "longer", "of", "hint", "trace", "bit", "too", "very", "so", "much", "be",
        "use", "make", "paint", "have", "add", "want", "wear", "it", "them", "is", "are", "es", "color", "colour", "un",
        "una", "unos",
        "unas", "el", "la", "los", "las", "de", "del", "mas", "muy", "une", "le", "les", "des", "du", "d",
        "plus", "tres", "trop", "couleur", "ein", "eine", "einen", "mehr",
    ]
    private static let articles: Set = ["a", "an", "the", "un", "una", "une", "la", "le", "el", "las", "les"]
    private static let joins: Set = [",", "and", "or", "y", "e", "o", "u", "et", "ou"]
    private static let dark: Set = ["dark", "deep"]
    private static let darkBehind: Set = [
        "oscuro", "oscura", "oscuros", "oscuras", "fonce", "foncee", "fonces", "foncees", "sombre", "sombres",
        "profundo",
    ]
    private static let light: Set = ["light", "pale", "pastel"]
    private static let lightBehind: Set = [
        "claro", "clara", "claros", "claras", "palido", "palida", "palidos", "palidas", "clair", "claire", "clairs",
        "claires", "pale", "pales", "pastel",
    ]
    private static let colorful: Set = [
        "color", "colors", "colored", "colorful", "colorize", "colorized", "colour", "colours", "coloured", "colourful",
        "colourize", "colourized", "colores", "colorido", "colorida", "couleur", "couleurs", "coloree", "colorees",
        "tint",
        "tinted", "sepia", "rainbow", "arcoiris", "neon", "copper", "cobre", "cuivre", "rust", "rusty", "reddish",
        "bluish",
        "greenish", "yellowish", "indigo",
    ]
    private static let changes: Set = [
        "make", "turn", "change", "paint", "recolor", "recolour", "color", "colour", "dye", "pinta", "cambia", "vuelve",
        "haz", "tine", "peins", "changes", "changer", "rends", "teins", "colore",
    ]
}

extension ColorWord {
    fileprivate struct Entry {
        let shade: Recoloring.Shade
        /// Whether the word also names a thing, which need not have that colour.
        let isAlsoThing: Bool
    }

    /// Lightness, chroma and hue (degrees) in Oklab; the lightness within which the name still holds; the words,
    /// without accents.
    private typealias Row = (
        lightness: Float, chroma: Float, hue: Float, range: ClosedRange<Float>, words: String, things: String
    )

    private static let rows: [Row] = [
        (0.58, 0.22, 27, 0.42 ... 0.66, "red reds rojo roja rojos rojas rouge rouges scarlet crimson", "ruby"),
        (0.38, 0.14, 18, 0.25 ... 0.44, "burgundy maroon granate burdeos bordeaux", "wine"),
        (
            0.74, 0.17, 58, 0.62 ... 0.80, "anaranjado anaranjada anaranjados anaranjadas orangee orangees",
            "orange oranges naranja naranjas"
        ),
        (
            0.88, 0.18, 100, 0.78 ... 0.95,
            "yellow yellows amarillo amarilla amarillos amarillas jaune jaunes", "lemon"
        ),
        (
            0.80, 0.14, 86, 0.66 ... 0.88, "golden dorado dorada dorados doradas dore doree dores dorees",
            "gold oro"
        ),
        (
            0.83, 0.09, 88, 0.70 ... 0.90,
            "blond blonde blondes blonds rubio rubia rubios rubias", ""
        ),
        (0.60, 0.17, 140, 0.36 ... 0.76, "green greens verde verdes vert verte verts vertes emerald", "esmeralda"),
        (0.56, 0.10, 115, 0.40 ... 0.66, "", "olive olives oliva"),
        (0.76, 0.12, 195, 0.58 ... 0.88, "turquoise turquoises turquesa turquesas cyan cian aqua", ""),
        (0.52, 0.09, 195, 0.36 ... 0.60, "teal", ""),
        (0.52, 0.20, 258, 0.32 ... 0.70, "blue blues azul azules bleu bleue bleus bleues", ""),
        (0.30, 0.12, 262, 0.20 ... 0.36, "navy", ""),
        (0.80, 0.10, 240, 0.68 ... 0.90, "celeste celestes", ""),
        (
            0.48, 0.20, 305, 0.28 ... 0.62,
            "purple purples morado morada morados moradas purpura pourpre pourpres violet violets violette violettes "
                + "violeta violetas", ""
        ),
        (0.78, 0.10, 305, 0.66 ... 0.88, "mauve", "lilac lila lilas lavender lavanda lavande"),
        (0.78, 0.13, 0, 0.64 ... 0.88, "pink pinks", "rosa rosas rose roses"),
        (0.62, 0.25, 340, 0.48 ... 0.70, "magenta fuchsia fucsia", ""),
        (
            0.42, 0.08, 55, 0.28 ... 0.52,
            "brown browns marron marrones marrons brun brune bruns brunes castano castana castanos castanas", ""
        ),
        (0.88, 0.04, 85, 0.76 ... 0.94, "beige beiges", "cream tan crema creme"),
        (0.97, 0, 90, 0.90 ... 1, "white whites blanco blanca blancos blancas blanc blanche blancs blanches", ""),
        (0.16, 0, 270, 0 ... 0.26, "black blacks negro negra negros negras noir noire noirs noires", ""),
        (0.60, 0, 270, 0.36 ... 0.76, "grey gray greys grays gris grise grises", ""),
        (
            0.80, 0, 270, 0.68 ... 0.88, "plateado plateada plateados plateadas argente argentee argentes",
            "silver plata"
        ),
    ]

    fileprivate static let entries: [String: Entry] = {
        var entries: [String: Entry] = [:]
        for row in rows {
            let shade = Recoloring.Shade(
                lightness: row.lightness, chroma: row.chroma, hue: row.hue, lightnessRange: row.range)
            for word in row.words.split(separator: " ") {
                entries[String(word)] = Entry(shade: shade, isAlsoThing: false)
            }
            for word in row.things.split(separator: " ") {
                entries[String(word)] = Entry(shade: shade, isAlsoThing: true)
            }
        }
        return entries
    }()
}
