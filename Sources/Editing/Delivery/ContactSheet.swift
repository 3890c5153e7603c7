public import ImageFiles
public import Raster

/// An overview of several pictures on one sheet.
public enum ContactSheet {
    /// The longest side of a picture on the sheet.
    public static let cellSide = 512
    /// Pixels between the pictures.
    public static let gap = 8

    /// The pictures in reading order, scaled down where they are larger than a cell, in sRGB, on grey. Traps on none.
    ///
    /// - Parameter colorSpace: of the pictures.
    public static func make(of pictures: [Picture], colorSpace: ColorSpace = .sRGB) -> Picture {
        precondition(!pictures.isEmpty, "a contact sheet shows something")
        let cells = pictures.map { picture in
            let image = RGBImage(picture)
            let scale = min(1, Double(cellSide) / Double(max(picture.width, picture.height)))
            return image.resized(
                to: PixelSize(
                    width: max(1, Int((Double(picture.width) * scale).rounded())),
                    height: max(1, Int((Double(picture.height) * scale).rounded()))), filter: .area)
        }.map(colorSpace.toSRGB)
        let columns = Int(Double(cells.count).squareRoot().rounded(.up))
        let rows = (cells.count + columns - 1) / columns
        let width = cells.map(\.width).max() ?? 1
        let height = cells.map(\.height).max() ?? 1
        var sheet = RGBImage(
            size: PixelSize(width: columns * (width + gap) + gap, height: rows * (height + gap) + gap),
            repeating: (0.2, 0.2, 0.2))
        for (index, cell) in cells.enumerated() {
            sheet.paste(
                cell, x: gap + index % columns * (width + gap), y: gap + index / columns * (height + gap))
        }
        return Picture(sheet)
    }
}
