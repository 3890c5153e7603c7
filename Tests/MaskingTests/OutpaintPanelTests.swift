internal import Masking
internal import Raster
internal import Testing

@Suite struct OutpaintPanelTests {
    /// Every new pixel once, and each window holds only what is there by then, so that nothing black is continued.
    @Test func panelsCoverTheNewPartAndSeeOnlyWhatIsThere() throws {
        var random = TestRandom(state: 31)
        var tried = 0
        for _ in 0 ..< 60 {
            let source = PixelSize(
                width: Int.random(in: 5 ... 90, using: &random), height: Int.random(in: 5 ... 70, using: &random))
            func side() -> Int { Bool.random(using: &random) ? 0 : Int.random(in: 1 ... 120, using: &random) }
            let margins = Margins(left: side(), right: side(), top: side(), bottom: side())
            guard !margins.isZero else { continue }
            let plan = try OutpaintPlan(source: source, margins: margins)
            let length = Int.random(in: 8 ... 50, using: &random)
            let panels = plan.panels(length: length, context: Int.random(in: 0 ... 100, using: &random))
            let canvas = PixelRect(plan.canvasSize)
            if panels.count == 1, panels[0].window == canvas { continue }
            tried += 1
            var isThere = Plane(size: plan.canvasSize)
            isThere.paste(Plane(size: source, repeating: 1), x: margins.left, y: margins.top)
            for panel in panels {
                #expect(canvas.contains(panel.window) && panel.window.contains(panel.area) && !panel.area.isEmpty)
                #expect(panel.area.width <= length || panel.area.width <= min(source.width, 4 * length))
                #expect(panel.area.height <= length || panel.area.height <= min(source.height, 4 * length))
                let before = isThere.cropped(to: panel.window).values
                let mask = panel.mask.coverage.values
                // Outside the panel all is there, inside nothing is.
                #expect(zip(before, mask).allSatisfy { $0 + $1 == 1 })
                isThere.paste(Plane(size: panel.area.size, repeating: 1), x: panel.area.x, y: panel.area.y)
            }
            #expect(isThere.values.allSatisfy { $0 == 1 })
        }
        #expect(tried >= 30)
    }

    /// What is repainted in part was painted by earlier panels, is next to the panel, and never the picture.
    @Test func panelsOverlapEarlierOnes() throws {
        let source = PixelSize(width: 60, height: 50)
        let margins = Margins(left: 70, right: 90, top: 40, bottom: 33)
        let plan = try OutpaintPlan(source: source, margins: margins)
        let panels = plan.panels(length: 30, context: 60, overlap: 8)
        #expect(panels.map(\.area) == plan.panels(length: 30, context: 60).map(\.area))
        var isPainted = Plane(size: plan.canvasSize)
        var overlapping = 0
        for panel in panels {
            let mask = panel.mask.coverage
            for y in 0 ..< mask.height {
                for x in 0 ..< mask.width {
                    let (column, row) = (panel.window.x + x, panel.window.y + y)
                    let area = panel.area
                    let away = max(
                        area.x - column, column - area.maxX + 1, area.y - row, row - area.maxY + 1, 0)
                    if away == 0 {
                        #expect(mask[x, y] == 1)
                    } else if isPainted[column, row] == 0 || away > 8 {
                        #expect(mask[x, y] == 0, "\(panel.area) at \(column), \(row)")
                    } else {
                        #expect(mask[x, y] > 0 && mask[x, y] < 1)
                        overlapping += 1
                    }
                }
            }
            isPainted.paste(Plane(size: panel.area.size, repeating: 1), x: panel.area.x, y: panel.area.y)
        }
        #expect(overlapping > 1000)
    }

    @Test func shortExtensionsAreOnePiece() throws {
        let source = PixelSize(width: 240, height: 200)
        let plan = try OutpaintPlan(source: source, margins: Margins(left: 64, right: 64, top: 64, bottom: 64))
        #expect(plan.panels(length: 64, context: 128).map(\.window) == [PixelRect(plan.canvasSize)])
        // Two columns on either side of the picture, two rows above and below it.
        #expect(plan.panels(length: 63, context: 126).count == 5 * 5 - 1)
        // A panorama is divided along its length as well.
        let long = try OutpaintPlan(source: PixelSize(width: 1000, height: 100), margins: Margins(top: 50))
        #expect(long.panels(length: 75, context: 150).count == 14)
    }

    /// So that what a panel may copy from is looked for once a side, not once a panel.
    @Test func panelsBeyondOneSideHaveEqualSides() throws {
        let source = PixelSize(width: 100, height: 80)
        let plan = try OutpaintPlan(source: source, margins: Margins(left: 300, top: 10))
        let panels = plan.panels(length: 60, context: 120)
        let sides = Set(panels.map { plan.sides(of: $0.area) })
        #expect(panels.count > 3)
        let expected: Set<Margins> = [Margins(left: 1), Margins(top: 1), Margins(left: 1, top: 1)]
        #expect(sides.isSubset(of: expected), "\(sides)")
    }

    @Test func zoomingOutKeepsTheAspect() throws {
        let source = PixelSize(width: 300, height: 200)
        let plan = try OutpaintPlan(source: source, zoomOut: 1.5)
        #expect(plan.canvasSize == PixelSize(width: 450, height: 300))
        #expect(plan.margins == Margins(left: 75, right: 75, top: 50, bottom: 50))
        let corner = try OutpaintPlan(source: source, zoomOut: 2, anchor: .bottomRight)
        #expect(corner.margins == Margins(left: 300, right: 0, top: 200, bottom: 0))
        for factor in [1, 0.5, .nan] {
            #expect(throws: OutpaintError.self) { try OutpaintPlan(source: source, zoomOut: factor) }
        }
    }

    /// The picture repeated, then cut back, is the picture; rolled there and back too.
    @Test func wrappingIsUndone() {
        var random = TestRandom(state: 32)
        for _ in 0 ..< 20 {
            let size = PixelSize(
                width: Int.random(in: 1 ... 20, using: &random), height: Int.random(in: 1 ... 20, using: &random))
            let image = RGBImage(randomPicture(size, .rgb, depth: 8, using: &random))
            let margins = WrappedAxes.both.margins(Int.random(in: 0 ... 50, using: &random))
            let padded = image.wrapPadded(by: margins)
            #expect(padded.wrapPadded(by: margins.negated) == image)
            #expect(image.rolled(x: 7, y: -3).rolled(x: -7, y: 3) == image)
            #expect(padded.values.prefix(3) == image.rolled(x: margins.left, y: margins.top).values.prefix(3))
        }
    }
}
