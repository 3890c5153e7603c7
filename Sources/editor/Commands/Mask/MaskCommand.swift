internal import ArgumentParser

/// `editor mask`: makes and repairs masks, a verb each.
struct MaskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mask",
        abstract: "Make a mask from numbers, words, colours or an object, or repair one.",
        discussion: """
            Each verb writes an 8-bit grey PNG: white repaints, black keeps. Verbs chain, and masks go on to an edit:
              editor mask select dog.jpg 200,80,500,600 -o dog.png
              editor mask grow dog.png 6 -o - | editor erase dog.jpg -

            Places and lengths are pixels of the upright picture, or have a % of its width or height.
            """,
        groupedSubcommands: [
            CommandGroup(
                name: "Draw:",
                subcommands: [
                    MaskBoxCommand.self, MaskEllipseCommand.self, MaskPolygonCommand.self, MaskPathCommand.self,
                    MaskStrokeCommand.self, MaskTextCommand.self,
                ]),
            CommandGroup(
                name: "Find in a picture:",
                subcommands: [
                    MaskSelectCommand.self, MaskWandCommand.self, MaskColorCommand.self, MaskLuminanceCommand.self,
                    MaskEdgesCommand.self, MaskAlphaCommand.self,
                ]),
            CommandGroup(
                name: "Repair:",
                subcommands: [
                    MaskGrowCommand.self, MaskShrinkCommand.self, MaskFeatherCommand.self, MaskFillHolesCommand.self,
                    MaskInvertCommand.self, MaskThresholdCommand.self, MaskCombineCommand.self,
                ]),
        ])
}
